"""The records that every reader makes of a set's annotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lmk.arrays import Flags, FloatArray


class Square(NamedTuple):
    """The pixels left ...

    left + side - 1 by top ... top + side - 1; may extend beyond the image.
    """

    left: int
    top: int
    side: int


@dataclass(frozen=True)
class Record:
    """One object on a picture.

    xy_image float32 (K, 2) in image pixels; labelled bool (K,). splits: the names of the COCO files
    that it belongs to. square: the part to crop, None for the complete picture. head_box_xyxy: two
    opposite corners in image pixels, if the set has such boxes.
    """

    image: Path
    splits: tuple[str, ...]
    xy_image: FloatArray
    labelled: Flags
    square: Square | None
    head_box_xyxy: FloatArray | None = None


@dataclass(frozen=True)
class Annotations:
    """A set: the names of its category and points, its records, and skipped ones with reasons.

    skeleton: pairs of indices of keypoints. white_border: whether squares beyond the image are
    padded with white and not with edge pixels. note: facts about the choices for the user.
    """

    category: str
    keypoints: tuple[str, ...]
    records: list[Record]
    skipped: list[str] = field(default_factory=list)
    skeleton: tuple[tuple[int, int], ...] = ()
    white_border: bool = False
    note: str = ""


def loose_square(xy_image: FloatArray, factor: float) -> Square:
    """Place the square around the centre of the points' box; side: `factor` times the longer side.

    xy_image (K, 2), K >= 1, in image pixels. The box is that of the points themselves: a single
    point gives a square of one pixel, which is too small for a crop.
    """
    low, high = xy_image.min(axis=0), xy_image.max(axis=0)
    return centred_square((low + high) / 2, factor * float((high - low).max()))


def centred_square(center_xy: FloatArray, side_px: float) -> Square:
    """Round a square to whole pixels; its centre is in image pixels, (0, 0) a pixel's centre."""
    side = max(round(side_px), 1)
    left, top = (round(float(center) + 0.5 - side / 2) for center in center_xy)
    return Square(left, top, side)
