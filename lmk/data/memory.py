"""The memory that decoding takes, which all threads of the process share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FILE_BYTES = 400_000_000  # more than 90 million pixels of 4 bytes, as they are in a BMP
DECODED_BYTES = 1_000_000_000  # 90 million pixels of RGB, as Pillow has them and as an array

# What the formats' decoders keep, in bytes per pixel, besides Pillow's picture: canvases, planes.
KEPT = {"WEBP": 8, "AVIF": 8}
TIFF_TILE, TIFF_ROWS, TIFF_BITS = (322, 323), 278, 258


class Budget:
    """Bytes that several threads may hold at once, at most `total` together."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._turn, self._changed = threading.Lock(), threading.Condition()

    @contextmanager
    def hold(self, count: int) -> Iterator[None]:
        """Wait until `count` bytes, at most the total, are free, and hold them in the block."""
        with self._turn, self._changed:  # in turn, or small ones would keep a large one waiting
            self._changed.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


# Always in this order: who waits for the second has all that it needs to give the first one back.
FILES, DECODED = Budget(FILE_BYTES), Budget(DECODED_BYTES)


def decoded_bytes(picture: Picture, as_array: bool) -> int:
    """How many bytes an open picture takes while it becomes RGB, as its header has it.

    as_array: whether the whole picture becomes an array, and not only a resized part.
    """
    kept = KEPT.get(picture.format or "", 0)
    if picture.has_transparency_data or picture.mode.startswith("I;16"):
        per_pixel = kept + 16  # four copies
    else:  # Pillow has RGB in 4 bytes
        per_pixel = kept + (4 if picture.mode == "RGB" else 8) + (6 if as_array else 0)
    width, height = picture.size
    return width * height * max(per_pixel, 2 * kept) + _tiff_part(picture)


def coefficients_bytes(picture: Picture) -> int:
    """What a progressive JPEG takes besides, at its full size even if it is shrunk."""
    width, height = picture.size
    return 2 * width * height * len(picture.getbands()) if "progressive" in picture.info else 0


def _tiff_part(picture: Picture) -> int:
    """The strip or tile of a TIFF that is decoded at once, which may be larger than the picture."""
    if picture.format != "TIFF":
        return 0
    tags, (width, height) = getattr(picture, "tag_v2", {}), picture.size
    rows = min(tags.get(TIFF_ROWS, height), height)
    across, down = (tags.get(tag, one) for tag, one in zip(TIFF_TILE, (width, rows), strict=True))
    return int(across * down * sum(tags.get(TIFF_BITS, (8,))) // 8)
