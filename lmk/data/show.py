"""Draw a contact sheet of some pictures of a set, with the annotated points."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmk.data.decode import large_pictures, read_crop
from lmk.data.packed import is_packed, open_packed
from lmk.data.source import list_pictures
from lmk.drawing.sheet import Section, tile, write_sheet
from lmk.geometry import apply_affine
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

TILE_PX = 200
MAX_NAMES = 24  # more names than that explain nothing


class Sample(NamedTuple):
    """Some pictures of a set.

    crops: uint8 RGB (S, S, 3) each; xy_crop (K, 2) and labelled (K,) of each; files: their names;
    total: number of pictures of the set; names of the K points.
    """

    crops: list[npt.NDArray[np.uint8]]
    xy_crop: list[npt.NDArray[np.float32]]
    labelled: list[npt.NDArray[np.bool_]]
    files: list[str]
    total: int
    names: list[str]


def show(source: Path, output: Path, report: Reporter, count: int = 24, seed: int = 0) -> Sample:
    """Draw `count` random pictures of a folder, a COCO file or a packed set into one PNG.

    Raises DataError, OutputError.
    """
    sample = (
        _packed(source, count, seed) if is_packed(source) else _files(source, count, seed, report)
    )
    drawn = zip(sample.crops, sample.xy_crop, sample.labelled, strict=True)
    tiles = [
        tile(np.ascontiguousarray(crop[..., ::-1]), xy, TILE_PX, labelled)
        for crop, xy, labelled in drawn
    ]
    section = Section(
        title="/".join(source.resolve().parts[-2:]),
        subtitle=_describe(sample),
        tiles=tiles,
        legend=sample.names if len(sample.names) <= MAX_NAMES else (),
        captions=sample.files,
    )
    write_sheet(output, [section])
    return sample


def _describe(sample: Sample) -> str:
    shown, total, points = len(sample.files), sample.total, len(sample.names)
    which = f"{shown} of {total:,} pictures" if shown < total else f"{total:,} pictures"
    return f"{which}, {points} points" if points else f"{which}, no points"


def _packed(folder: Path, count: int, seed: int) -> Sample:
    packed = open_packed(folder)
    rows = _choose(len(packed.crops), count, seed)
    files = [packed.index.files[row] for row in rows]
    points = packed.keypoints
    xy_crop = points.xy_crop[rows] if points else np.zeros((len(rows), 0, 2), np.float32)
    labelled = points.labelled[rows] if points else np.zeros((len(rows), 0), bool)
    names = points.names if points else []
    return Sample(
        list(packed.crops[rows]), list(xy_crop), list(labelled), files, len(packed.crops), names
    )


def _files(source: Path, count: int, seed: int, report: Reporter) -> Sample:
    given = list_pictures(source, report)
    sample = Sample([], [], [], [], len(given.paths), given.names)
    for row in _choose(len(given.paths), count, seed):
        path = given.paths[row]
        try:
            with large_pictures():
                crop, to_crop = read_crop(path, TILE_PX, given.sizes_wh[row].tolist())
        except DataError as error:
            report.warn(f"skipped: {error}")
            continue
        sample.crops.append(crop)
        sample.xy_crop.append(apply_affine(to_crop, given.xy_image[row]).astype(np.float32))
        sample.labelled.append(given.labelled[row])
        sample.files.append(path.name)
    if not sample.crops:
        raise DataError(f"none of the chosen pictures of {source} can be used")
    return sample


def _choose(total: int, count: int, seed: int) -> npt.NDArray[np.intp]:
    chosen = np.random.default_rng(seed).choice(total, min(count, total), replace=False)
    return np.sort(chosen)
