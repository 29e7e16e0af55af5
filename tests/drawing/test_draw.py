from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from lmk.drawing.draw import draw_landmarks, landmark_color

GREY = 128


def draw(xy: list, scores: list, box: tuple, **options: bool) -> np.ndarray:
    image = np.full((200, 300, 3), GREY, np.uint8)
    arrays = (np.array(values, np.float32) for values in ([xy], [scores], [box]))
    return draw_landmarks(image, *arrays, **options)


def centroid(drawn: np.ndarray, around: tuple[int, int], reach: int = 20) -> np.ndarray:
    """Where the picture changed near a pixel, (x, y), weighted by the change."""
    x, y = around
    change = np.abs(drawn.astype(float) - GREY).sum(-1)[
        y - reach : y + reach, x - reach : x + reach
    ]
    rows, columns = np.mgrid[y - reach : y + reach, x - reach : x + reach]
    return np.array([(columns * change).sum(), (rows * change).sum()]) / change.sum()


def test_dots_sit_on_their_landmarks_with_subpixel_precision() -> None:
    xy = [[60.4, 50.75], [201.7, 120.2]]
    drawn = draw(xy, [0.9, 0.8], (40, 20, 200, 160))
    for point, near in zip(xy, [(60, 51), (202, 120)], strict=True):
        np.testing.assert_allclose(centroid(drawn, near), point, atol=0.15)
    assert drawn[51, 60].tolist() == list(landmark_color(0))
    assert drawn[120, 202].tolist() == list(landmark_color(1))


def test_dots_grow_with_the_box() -> None:
    small, large = (
        (draw([[150, 100]], [1], (50, 0, side, side)) != GREY).any(-1).sum() for side in (400, 1200)
    )
    assert 7 < large / small < 10  # three times the radius


def test_a_low_score_leaves_the_dot_hollow() -> None:
    drawn = draw([[80, 90], [180, 90]], [0.1, 0.9], (20, 0, 900, 900))
    assert drawn[90, 80].tolist() == [GREY] * 3
    assert drawn[90, 180].tolist() == list(landmark_color(1))
    assert (drawn[70:110, 60:100] == landmark_color(0)).all(-1).any()


def test_the_box_is_drawn_on_request_and_the_input_stays() -> None:
    image = np.full((200, 300, 3), GREY, np.uint8)
    xy, scores = np.full((1, 1, 2), 150, np.float32), np.ones((1, 1), np.float32)
    box = np.array([[30, 40, 100, 50]], np.float32)
    drawn = draw_landmarks(image, xy, scores, box, show_boxes=True)
    changed = np.argwhere((drawn[:, :135] != GREY).any(-1))
    assert changed.min(0).tolist() == [40, 30]
    assert changed.max(0).tolist() == [89, 129]
    assert (image == GREY).all()
    assert (draw_landmarks(image, xy, scores, box)[:, :135] == GREY).all()


@pytest.mark.parametrize("far", [-3e9, 3e9])
def test_points_far_outside_are_not_drawn(far: float) -> None:
    assert (draw([[far, 50]], [1], (far, far, 100, 100)) == GREY).all()


def test_colours_look_different() -> None:
    bgr = np.array([[landmark_color(index) for index in range(10)]], np.float32) / 255
    lab = cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB)[0]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2))
    assert nearest > 30  # CIE76: 2.3 is just noticeable
