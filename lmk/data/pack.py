"""Pack a set: every picture is decoded and resized once, and streamed to disk."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lmk.data.annotations import Annotations
from lmk.data.images import CROP_SIZE, Decoding
from lmk.data.packed import (
    CROPS,
    INDEX,
    KEYPOINTS,
    PackedKeypoints,
    PackedSet,
    is_packed,
    open_packed,
)
from lmk.data.packed_index import FORMAT, Index, IndexedKeypoints, UnusablePicture
from lmk.data.source import list_pictures
from lmk.geometry import apply_affine
from lmk.system.errors import OutputError, UsageError
from lmk.system.files import new_folder
from lmk.system.progress import Reporter
from lmk.system.text import writable


def pack(
    source: Path, output: Path, report: Reporter, size: int = CROP_SIZE, outside: bool = False
) -> PackedSet:
    """Pack a folder of images or a COCO keypoint file into the new folder `output`.

    Crops are the centred squares, `size` x `size` pixels. The folder appears completely or not at
    all. `outside` allows pictures outside a COCO file's folder. Memory does not grow with the
    number of pictures, except for names and points. Raises UsageError, DataError, OutputError.
    """
    if is_packed(source):
        raise UsageError(f"{source} is already packed")
    given = list_pictures(source, report, outside)
    with new_folder(output) as folder:
        _check_space(folder, output, len(given.paths) * size * size * 3)
        decoding = Decoding(given.paths, report, size, given.sizes_wh)
        with (folder / CROPS).open("wb") as file:
            keypoints, kept, sha256 = _write_crops(file, decoding, given)
        if keypoints is not None:
            points, labelled = keypoints.xy_crop, keypoints.labelled
            np.savez(folder / KEYPOINTS, xy_crop=points, labelled=labelled)
        root = source if source.is_dir() else source.parent
        index = Index(
            format=FORMAT,
            count=len(kept),
            size=size,
            sha256=sha256,
            keypoints=keypoints
            and IndexedKeypoints(keypoints.category, keypoints.names, keypoints.sha256()),
            files=[_below(given.paths[row], root) for row in kept],
            skipped=[
                UnusablePicture(_below(path, root), reason) for path, reason in decoding.skipped
            ],
        )
        # JSON escapes for the bytes of a name that are not UTF-8.
        (folder / INDEX).write_bytes(index.to_json().encode(errors="backslashreplace"))
    return open_packed(output)


def _write_crops(
    file: BinaryIO, decoding: Decoding, given: Annotations
) -> tuple[PackedKeypoints | None, list[int], str]:
    """Stream crops into a .npy file; return their points, their rows in `given`, and the hash."""
    offset = _write_header(file, len(given.paths), decoding.size)
    sha256, kept = hashlib.sha256(), list[int]()
    xy_crop = np.empty_like(given.xy_image)
    for row, crop, matrix in decoding:
        sha256.update(crop.data)
        file.write(crop.data)
        xy_crop[len(kept)] = apply_affine(matrix, given.xy_image[row])
        kept.append(row)
    file.seek(0)
    assert _write_header(file, len(kept), decoding.size) == offset, "NumPy's padding has changed"
    keypoints = None
    if given.annotated.any():
        labelled = given.labelled[kept]
        keypoints = PackedKeypoints(given.category, given.names, xy_crop[: len(kept)], labelled)
    return keypoints, kept, sha256.hexdigest()


def _write_header(file: BinaryIO, count: int, size: int) -> int:
    """Write a .npy header, which NumPy pads to a multiple of 64 bytes; return its length."""
    shape = (count, size, size, 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def _check_space(folder: Path, output: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{output} needs {needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free: free space, "
            "choose another folder or a smaller --size"
        )


def _below(path: Path, root: Path) -> str:
    return writable((path.relative_to(root) if path.is_relative_to(root) else path).as_posix())
