"""Landmarks as a person wants to see them."""

from __future__ import annotations

import colorsys

import numpy as np

from lmk.geometry import FloatArray
from lmk.runtime.crops import Image
from lmk.runtime.opencv import cv2
from lmk.runtime.result import Result

RADIUS_OF_SIDE = 0.016
MIN_RADIUS_PX = 2.0
LOW_SCORE = 0.3
RIM_BGR = (32, 32, 32)
BOX_BGR = (255, 255, 255)
GOLDEN_RATIO = 0.618034  # steps of it spread any number of hues, so a landmark keeps its colour
SUBPIXEL_BITS = 4


def landmark_color(index: int) -> tuple[int, int, int]:
    """Return the BGR colour of landmark `index`, the same whatever the number of landmarks."""
    hue, value = (0.95 + GOLDEN_RATIO * index) % 1, (1.0, 0.75)[index % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, value)
    return round(255 * blue), round(255 * green), round(255 * red)


def draw_landmarks(
    image_bgr: Image,
    xy_image: FloatArray,
    scores: FloatArray,
    boxes_xywh: FloatArray,
    show_boxes: bool = False,
) -> Image:
    """Draw a dot for every landmark, hollow where its score is low, sized by the object's box.

    image_bgr uint8 (H, W, 3); xy_image (N, K, 2), scores (N, K), boxes (N, 4) x, y, width, height,
    all in image pixels. Returns a copy of the image.
    """
    drawn: Image = image_bgr.copy()
    for xy, score, box in zip(xy_image, scores, boxes_xywh, strict=True):
        radius = max(RADIUS_OF_SIDE * float(box[2:].max()), MIN_RADIUS_PX)
        if show_boxes:
            _draw_box(drawn, box, thickness=max(round(radius / 4), 1))
        for index, (point, sure) in enumerate(zip(xy, score, strict=True)):
            _draw_dot(drawn, point, radius, landmark_color(index), hollow=bool(sure < LOW_SCORE))
    return drawn


def draw_result(result: Result) -> Image:
    """Draw every object of a result on a copy of its frame, uint8 BGR (H, W, 3)."""
    drawn = result.frame.image_bgr
    for objects in result.objects:
        drawn = draw_landmarks(drawn, objects.xy, objects.scores, objects.boxes)
    return drawn


def _draw_dot(
    image: Image, xy: FloatArray, radius: float, color: tuple[int, int, int], hollow: bool
) -> None:
    rim = max(radius / 4, 1.0)
    if hollow:
        line = max(round(radius / 3), 1)
        _circle(image, xy, radius, RIM_BGR, thickness=line + 2)
        _circle(image, xy, radius, color, thickness=line)
    else:
        _circle(image, xy, radius + rim, RIM_BGR, thickness=cv2.FILLED)
        _circle(image, xy, radius, color, thickness=cv2.FILLED)


def _circle(
    image: Image, xy: FloatArray, radius: float, color: tuple[int, int, int], thickness: int
) -> None:
    unit = 1 << SUBPIXEL_BITS
    # Far outside the picture nothing is drawn, and OpenCV's integers would overflow.
    x, y = (round(float(value) * unit) for value in np.clip(xy, -1e4, 1e5))
    cv2.circle(image, (x, y), round(radius * unit), color, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_box(image: Image, box_xywh: FloatArray, thickness: int) -> None:
    x, y, width, height = (float(value) for value in box_xywh)
    # A box counts from the pixels' outer edges, a line from their centres.
    corners = np.clip([x, y, x + width - 1, y + height - 1], -1e4, 1e5)
    left, top, right, bottom = (round(float(value)) for value in corners)
    cv2.rectangle(image, (left, top), (right, bottom), BOX_BGR, thickness)
