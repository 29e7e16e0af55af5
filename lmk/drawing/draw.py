"""Draw landmarks and boxes."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.system.opencv import cv2

Color = tuple[int, int, int]
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
Skeleton = Sequence[tuple[int, int]]  # pairs of points that a line joins

RADIUS_OF_SIDE = 0.016
MIN_RADIUS_PX = 2.0
LOW_SCORE = 0.3
RIM_BGR: Color = (32, 32, 32)
BOX_BGR: Color = (255, 255, 255)
LINE_BGR: Color = (235, 235, 235)
GOLDEN_RATIO = 0.618034  # steps of it spread any number of hues, so a landmark keeps its colour
SUBPIXEL_BITS = 4


def landmark_color(index: int) -> Color:
    """Return the BGR colour of landmark `index`, the same for any number of landmarks."""
    hue, value = (0.95 + GOLDEN_RATIO * index) % 1, (1.0, 0.75)[index % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, value)
    return round(255 * blue), round(255 * green), round(255 * red)


def dot_radius(box_xywh: FloatArray) -> float:
    """Return the radius of dots in pixels for an object's box (4,)."""
    return max(RADIUS_OF_SIDE * float(box_xywh[2:].max()), MIN_RADIUS_PX)


def draw_landmarks(
    image_bgr: Image,
    xy_image: FloatArray,
    scores: FloatArray,
    boxes_xywh: FloatArray,
    show_boxes: bool = False,
    angles: FloatArray | None = None,
    skeleton: Skeleton = (),
) -> Image:
    """Draw a dot for every landmark, hollow for a low score, sized by the object's box.

    image_bgr uint8 (H, W, 3); xy_image (N, K, 2), scores (N, K), boxes (N, 4) x, y, width, height,
    all in image pixels; angles (N,) of the boxes in degrees, or none; skeleton: the pairs of
    landmarks that lines join. Named points (N, P, 2) are drawn in the same way. Returns a copy of
    the image.
    """
    drawn: Image = image_bgr.copy()
    angles = np.zeros(len(boxes_xywh), np.float32) if angles is None else angles
    for xy, score, box, angle in zip(xy_image, scores, boxes_xywh, angles, strict=True):
        if show_boxes:
            draw_box(drawn, box, float(angle))
        draw_object(drawn, xy, score, np.ones_like(score), dot_radius(box), skeleton)
    return drawn


def draw_object(
    image: Image,
    xy: FloatArray,
    scores: FloatArray,
    opacity: FloatArray,
    radius: float,
    skeleton: Skeleton = (),
) -> None:
    """Draw one object's landmarks (K, 2), scores (K,), opacity (K,) in [0, 1] into an image.

    skeleton: lines between landmarks, as faint as the fainter of their ends, lie below the dots.
    """
    if skeleton:
        _draw_skeleton(image, xy, opacity, radius, skeleton)
    for index, (point, score, seen) in enumerate(zip(xy, scores, opacity, strict=True)):
        hollow = bool(score < LOW_SCORE)
        if seen >= 1:
            _draw_dot(image, point, radius, landmark_color(index), hollow)
        elif seen > 0:
            _draw_faded(image, point, radius, landmark_color(index), hollow, float(seen))


def draw_box(image: Image, box_xywh: FloatArray, angle: float = 0) -> None:
    """Draw a box (4,), x, y, width, height, as a light line with a dark one inside.

    angle: by which it is turned about its centre, degrees, from x towards y.
    """
    x, y, width, height = (float(value) for value in box_xywh)
    thickness = max(round(dot_radius(box_xywh) / 4), 1)
    if angle:
        for inset, color in ((thickness, RIM_BGR), (0, BOX_BGR)):
            sides = width - 1 - 2 * inset, height - 1 - 2 * inset
            centre = x + (width - 1) / 2, y + (height - 1) / 2
            outline = subpixel(cv2.boxPoints((centre, sides, angle)))
            cv2.polylines(image, [outline], True, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        return
    # A box counts from the pixels' outer edges, a line from their centres.
    corners = np.clip([x, y, x + width - 1, y + height - 1], -1e4, 1e5)
    left, top, right, bottom = (round(float(value)) for value in corners)
    inside = (left + thickness, top + thickness), (right - thickness, bottom - thickness)
    cv2.rectangle(image, *inside, RIM_BGR, thickness)
    cv2.rectangle(image, (left, top), (right, bottom), BOX_BGR, thickness)


def _draw_skeleton(
    image: Image, xy: FloatArray, opacity: FloatArray, radius: float, skeleton: Skeleton
) -> None:
    ends = subpixel(xy)
    seen = np.array([min(opacity[one], opacity[other]) for one, other in skeleton])
    lines = np.array([(ends[one], ends[other]) for one, other in skeleton])
    _draw_lines(image, lines[seen >= 1], radius)
    for line, faded in zip(lines, seen, strict=True):
        if 0 < faded < 1:
            low, high = (line >> SUBPIXEL_BITS).min(0), (line >> SUBPIXEL_BITS).max(0)
            with _blended(image, low, high, round(radius + 3), float(faded)):
                _draw_lines(image, line[None], radius)


def _draw_lines(image: Image, lines: Pixels, radius: float) -> None:
    """Draw lines (L, 2, 2), in units of `subpixel`, light with a dark rim."""
    width = max(round(radius / 2), 1)
    for color, thickness in ((RIM_BGR, width + 2), (LINE_BGR, width)):
        cv2.polylines(image, list(lines), False, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


@contextmanager
def _blended(image: Image, low: Pixels, high: Pixels, reach: int, opacity: float) -> Iterator[None]:
    """Blend what is drawn between two corners (2,), x and y, with what was there."""
    (left, top), (right, bottom) = np.maximum([low - reach, high + reach + 1], 0).tolist()
    part = image[top:bottom, left:right]
    before = part.copy()
    yield
    if before.size:
        part[:] = cv2.addWeighted(part, opacity, before, 1 - opacity, 0)


def _draw_faded(
    image: Image, xy: FloatArray, radius: float, color: Color, hollow: bool, opacity: float
) -> None:
    """Draw a dot and blend it with the pixels around it."""
    place = subpixel(xy) >> SUBPIXEL_BITS
    with _blended(image, place, place, round(2 * radius + 4), opacity):
        _draw_dot(image, xy, radius, color, hollow)


def _draw_dot(image: Image, xy: FloatArray, radius: float, color: Color, hollow: bool) -> None:
    rim = max(radius / 4, 1.0)
    if hollow:
        line = max(round(radius / 3), 1)
        _circle(image, xy, radius, RIM_BGR, thickness=line + 2)
        _circle(image, xy, radius, color, thickness=line)
    else:
        _circle(image, xy, radius + rim, RIM_BGR, thickness=cv2.FILLED)
        _circle(image, xy, radius, color, thickness=cv2.FILLED)


def _circle(image: Image, xy: FloatArray, radius: float, color: Color, thickness: int) -> None:
    x, y = subpixel(xy).tolist()
    scaled = round(radius * (1 << SUBPIXEL_BITS))
    cv2.circle(image, (x, y), scaled, color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def subpixel(xy: FloatArray) -> Pixels:
    """Turn pixels (..., 2) into OpenCV's fixed-point numbers of SUBPIXEL_BITS.

    Values far outside the picture are clipped: nothing is drawn there, and the integers would
    overflow.
    """
    return np.round(np.clip(xy, -1e4, 1e5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
