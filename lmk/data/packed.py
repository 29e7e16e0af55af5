"""Packed sets: a folder with all crops of a set in one file, read on demand.

crops.npy       uint8 RGB (N, S, S, 3), a plain NumPy file
index.json      format, shape, content hash, names of the pictures, skipped pictures and reasons
keypoints.npz   xy_crop float32 (N, K, 2) and labelled bool (N, K), where the source had them
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lmk.data.numpy_files import Known, find_npy, read_npz
from lmk.data.packed_index import Index, IndexedKeypoints, read_index
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

CROPS, INDEX, KEYPOINTS = "crops.npy", "index.json", "keypoints.npz"
HASHED_BYTES = 1 << 24


@dataclass(frozen=True)
class PackedCrops:
    """Crops in a file, indexed like an array uint8 (N, S, S, 3) by integer arrays and slices.

    An index gives a copy of only those crops. They are read, not mapped: pages of a mapped file
    count as memory of the process until it is unmapped, and a file that disappears kills it. The
    file is opened for each index, so that threads and forked processes may share the object.

    sha256: of the crops' bytes, from index.json; `verify` compares it with the file.
    """

    path: Path
    shape: tuple[int, int, int, int]
    offset: int
    sha256: str

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: npt.NDArray[np.integer] | slice) -> npt.NDArray[np.uint8]:
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        if index.ndim != 1 or index.dtype.kind not in "iu":
            raise IndexError(f"expected integers (B,) or a slice, got {index.dtype} {index.shape}")
        if len(index) and not -len(self) <= index.min() <= index.max() < len(self):
            raise IndexError(
                f"expected indices below {len(self)}, got {index.min()}..{index.max()}"
            )
        return self._read(index % len(self))

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        del copy  # it is one in any case
        return self[:].astype(dtype or np.uint8, copy=False)

    def _read(self, index: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        crops = np.empty((len(index), *self.shape[1:]), np.uint8)
        crop_bytes = math.prod(self.shape[1:])
        try:
            with self.path.open("rb", buffering=0) as file:
                for place in np.argsort(index).tolist():
                    file.seek(self.offset + int(index[place]) * crop_bytes)
                    if file.readinto(crops[place].data) != crop_bytes:
                        raise DataError(f"{self.path} is shorter than before: pack the set again")
        except OSError as error:
            raise DataError(f"{self.path} can no longer be read: {error.strerror}") from error
        return crops


Crops = npt.NDArray[np.uint8] | PackedCrops


class PackedKeypoints(NamedTuple):
    """Points of a packed set: names of the K points of its category, and their places.

    xy_crop float32 (N, K, 2) in crop pixels; labelled bool (N, K), False where a point was not
    annotated and its coordinates are undefined.
    """

    category: str
    names: list[str]
    xy_crop: npt.NDArray[np.float32]
    labelled: npt.NDArray[np.bool_]

    def sha256(self) -> str:
        """Hash of both arrays' bytes, x and y first."""
        arrays = (self.xy_crop.astype("<f4"), self.labelled)
        return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


@dataclass(frozen=True)
class PackedSet:
    """An open packed set: its crops stay on disk."""

    crops: PackedCrops
    keypoints: PackedKeypoints | None
    index: Index


def is_packed(path: Path) -> bool:
    """Whether a path is the folder of a packed set."""
    return (path / CROPS).is_file()


def open_packed(folder: Path) -> PackedSet:
    """Open a packed set; checks shapes and sizes, but not contents (see `verify`).

    Raises DataError when a file is missing, truncated or of another format.
    """
    index = read_index(folder / INDEX)
    shape = (index.count, index.size, index.size, 3)
    crops = PackedCrops(
        folder / CROPS, shape, find_npy(folder / CROPS, Known(shape, np.uint8)), index.sha256
    )
    points = index.keypoints
    keypoints = _read_keypoints(folder / KEYPOINTS, points, index.count) if points else None
    return PackedSet(crops, keypoints, index)


def verify(folder: Path, report: Reporter) -> PackedSet:
    """Open a packed set and compare its content with the hashes in its index.

    Raises DataError when the crops or the points have changed.
    """
    packed = open_packed(folder)
    crops = packed.crops
    found = hashlib.sha256()
    step = max(HASHED_BYTES // math.prod(crops.shape[1:]), 1)
    with report.bar("checking crops", len(crops)) as bar:
        for start in range(0, len(crops), step):
            part = crops[start : start + step]
            found.update(part.data)
            bar.advance(len(part))
    if found.hexdigest() != crops.sha256:
        raise _changed(crops.path)
    points, described = packed.keypoints, packed.index.keypoints
    if points and described and points.sha256() != described.sha256:
        raise _changed(folder / KEYPOINTS)
    return packed


def content_sha256(crops: Crops) -> str:
    """Hash of crops' bytes; for packed ones it is read from their index."""
    if isinstance(crops, PackedCrops):
        return crops.sha256
    return hashlib.sha256(np.ascontiguousarray(crops).data).hexdigest()


def _changed(path: Path) -> DataError:
    return DataError(
        f"{path} was changed after it was packed: its hash differs. Pack the set again"
    )


def _read_keypoints(file: Path, described: IndexedKeypoints, count: int) -> PackedKeypoints:
    shape = (count, len(described.names), 2)
    known = {"xy_crop": Known(shape, np.float32), "labelled": Known(shape[:2], np.bool_)}
    arrays = read_npz(file, known)
    xy_crop, labelled = arrays["xy_crop"], arrays["labelled"]
    if not np.isfinite(xy_crop[labelled]).all():
        raise DataError(f"{file} has labelled points that are not finite: pack the set again")
    return PackedKeypoints(described.category, described.names, xy_crop, labelled)
