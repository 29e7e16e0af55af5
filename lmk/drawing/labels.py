"""Names beside points, each where there is room for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.drawing.draw import dot_radius
from lmk.drawing.text import label, paste

LABEL_OF_SIDE = 1 / 14  # an object's labels stay in proportion to it
LABEL_PX = 9  # no smaller letters can be read
LEAST_SIDE_PX = 80  # of an object that its own names do not hide

Rect = tuple[int, int, int, int]


def label_size(box_xywh: FloatArray, largest_px: int) -> int:
    """Return the height of letters in pixels for an object's box (4,)."""
    return min(largest_px, max(round(float(box_xywh[2:].max()) * LABEL_OF_SIDE), LABEL_PX))


def draw_names(
    image: Image,
    names: Sequence[str],
    xy: FloatArray,
    opacity: FloatArray,
    box_xywh: FloatArray,
    largest_px: int,
) -> None:
    """Write names beside one object's points (P, 2), in image pixels, into an image.

    A name stands right of its point, or left, below or above it where another point or name is in
    the way, and is left out where all four places are taken. Objects that their names would hide
    get none. opacity (P,): points that are not drawn, at 0, have no name.
    """
    if float(box_xywh[2:].max()) < LEAST_SIDE_PX:
        return
    size_px, radius = label_size(box_xywh, largest_px), dot_radius(box_xywh)
    shown = [
        (name, point)
        for name, point, seen in zip(names, xy, opacity, strict=True)
        if seen > 0 and _near(point)
    ]
    taken = [_dot(point, radius) for _, point in shown]
    for name, point in shown:
        stamp = label(name, size_px)
        places = _places(point, 1.5 * radius, *stamp.size_wh)
        free = next((each for each in places if not any(_meet(each, t) for t in taken)), None)
        if free:
            taken.append(free)
            paste(image, stamp, *free[:2])


def _dot(point: FloatArray, radius: float) -> Rect:
    left, top, right, bottom = np.round([*(point - radius), *(point + radius)]).astype(int).tolist()
    return left, top, right, bottom


def _near(point: FloatArray) -> bool:
    return bool((point > -1e4).all() and (point < 1e5).all())


def _places(point: FloatArray, reach: float, width: int, height: int) -> Iterator[Rect]:
    """Left, top, right, bottom of a text right, left, below and above a point."""
    x, y = (float(value) for value in point)
    for left, top in (
        (x + reach, y - height / 2),
        (x - reach - width, y - height / 2),
        (x - width / 2, y + reach),
        (x - width / 2, y - reach - height),
    ):
        corner = np.round([left, top]).astype(int).tolist()
        yield (*corner, corner[0] + width, corner[1] + height)


def _meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
