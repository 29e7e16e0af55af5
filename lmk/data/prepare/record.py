"""What every reader makes of a set's annotations, whatever their format."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lmk.arrays import Flags, FloatArray


class Square(NamedTuple):
    """The pixels left ... left + side - 1 by top ... top + side - 1; may reach over the image."""

    left: int
    top: int
    side: int


@dataclass(frozen=True)
class Record:
    """One object on a picture.

    xy_image float32 (K, 2) in image pixels; labelled bool (K,). `splits` are the names of the COCO
    files that it belongs to. `square` is what is cut out, None for the whole picture.
    `head_box_xyxy` holds two opposite corners in image pixels where the set has such boxes.
    """

    image: Path
    splits: tuple[str, ...]
    xy_image: FloatArray
    labelled: Flags
    square: Square | None
    head_box_xyxy: FloatArray | None = None


@dataclass(frozen=True)
class Annotations:
    """A set: what its objects and points are called, its records, and those left out with reasons.

    `skeleton` pairs indices of keypoints. `white_border` pads squares that reach over the image
    with white in place of its edge pixels. `note` says what a user should know of the choices.
    """

    category: str
    keypoints: tuple[str, ...]
    records: list[Record]
    skipped: list[str] = field(default_factory=list)
    skeleton: tuple[tuple[int, int], ...] = ()
    white_border: bool = False
    note: str = ""


def loose_square(xy_image: FloatArray, factor: float) -> Square:
    """Place the square round the centre of the points' box, its side `factor` times the longer one.

    xy_image (K, 2), K >= 1, in image pixels. The box is that of the points themselves, so that
    a single point gives a square of one pixel, which is too small to be cut.
    """
    low, high = xy_image.min(axis=0), xy_image.max(axis=0)
    return centred_square((low + high) / 2, factor * float((high - low).max()))


def centred_square(center_xy: FloatArray, side_px: float) -> Square:
    """Round a square to whole pixels; its centre is in image pixels, (0, 0) a pixel's centre."""
    side = max(round(side_px), 1)
    left, top = (round(float(center) + 0.5 - side / 2) for center in center_xy)
    return Square(left, top, side)
