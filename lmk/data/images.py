"""Read pictures from disk as crops, decoded and resized once, in parallel."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmk.arrays import DoubleArray, FloatArray, Image
from lmk.data.decode import large_pictures, read_crop
from lmk.data.parallel import map_in_order
from lmk.data.suffixes import SUFFIXES
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

CROP_SIZE = 160  # a quarter more than the network's input, so that a zoom loses no detail
MAX_BAD_SHARE = 0.1
SHOWN_BAD = 3


class Skipped(NamedTuple):
    """A file that cannot be used, and the reason."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class LoadedCrops(NamedTuple):
    """Pictures in memory.

    Crops uint8 RGB (N, S, S, 3); matrices float32 (N, 2, 3) from image to crop pixels; kept (N,)
    the indices of the usable paths; skipped: the others.
    """

    crops: Image
    matrices: FloatArray
    kept: npt.NDArray[np.intp]
    skipped: list[Skipped]


def list_images(folder: Path, suffixes: Collection[str] = frozenset(SUFFIXES)) -> list[Path]:
    """Find the pictures below a folder, sorted by path, without hidden files.

    Raises DataError if there are none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of images")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and not path.name.startswith(".")  # such as macOS puts beside pictures: ._IMG.jpg
    )
    if not paths:
        raise DataError(f"no images below {folder}: expected {', '.join(sorted(suffixes))} files")
    return paths


@dataclass
class Decoding:
    """Decodes pictures one after another, in order and in bounded memory.

    Iterating yields the index of each usable path with its crop (size, size, 3) and matrix (2, 3)
    from image to crop pixels, and shows progress. The others are collected in `skipped`, with a
    warning at the end. sizes_wh (N, 2): the pictures' annotated sizes, as in `read_crop`. Raises
    DataError as soon as unusable ones are more than a tenth of all.
    """

    paths: Sequence[Path]
    report: Reporter
    size: int = CROP_SIZE
    sizes_wh: DoubleArray | None = None
    skipped: list[Skipped] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, Image, FloatArray]]:
        total = len(self.paths)
        with large_pictures(), self.report.bar("decoding images", total) as bar:
            for index, decoded in enumerate(map_in_order(self._decode, range(total))):
                if isinstance(decoded, Skipped):
                    self._skip(decoded, index + 1)
                else:
                    yield index, *decoded
                bar.advance()
        if self.skipped:
            shown = _listed(self.skipped)
            self.report.warn(f"skipped {len(self.skipped)} of {total} images: {shown}")

    def _decode(self, index: int) -> tuple[Image, FloatArray] | Skipped:
        path = self.paths[index]
        size_wh = (0.0, 0.0) if self.sizes_wh is None else self.sizes_wh[index].tolist()
        try:
            return read_crop(path, self.size, size_wh)
        except DataError as error:
            return Skipped(path, str(error).removeprefix(f"{path} "))

    def _skip(self, skipped: Skipped, seen: int) -> None:
        self.skipped.append(skipped)
        if len(self.skipped) > MAX_BAD_SHARE * len(self.paths):
            raise DataError(
                f"{len(self.skipped)} of the first {seen} images cannot be used, more than "
                f"{MAX_BAD_SHARE:.0%} of all {len(self.paths)}: {_listed(self.skipped)}"
            )


def load_crops(
    paths: Sequence[Path],
    report: Reporter,
    size: int = CROP_SIZE,
    sizes_wh: DoubleArray | None = None,
) -> LoadedCrops:
    """Decode pictures into memory; bad ones, and `sizes_wh`, are handled as in `Decoding`.

    Raises DataError, also when the crops are larger than the memory.
    """
    try:
        crops = np.empty((len(paths), size, size, 3), np.uint8)
    except MemoryError as error:
        raise DataError(
            f"{len(paths):,} crops need {len(paths) * 3 * size**2 / 1e9:.0f} GB of memory: pack "
            "them with  lmk data pack  or give fewer"
        ) from error
    matrices = np.empty((len(paths), 2, 3), np.float32)
    decoding, kept = Decoding(paths, report, size, sizes_wh), list[int]()
    for index, crop, matrix in decoding:
        crops[len(kept)], matrices[len(kept)] = crop, matrix
        kept.append(index)
    count = len(kept)
    return LoadedCrops(crops[:count], matrices[:count], np.array(kept, np.intp), decoding.skipped)


def _listed(skipped: Sequence[Skipped]) -> str:
    more = len(skipped) - SHOWN_BAD
    shown = "; ".join(str(entry) for entry in skipped[:SHOWN_BAD])
    return f"{shown}; and {more} more" if more > 0 else shown
