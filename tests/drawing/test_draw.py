from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from lmk.drawing.draw import LINE_BGR, draw_landmarks, draw_object, landmark_color

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


def test_a_skeleton_joins_its_points_below_their_dots() -> None:
    xy = [[40, 50], [140, 50], [140, 150], [240, 150]]
    plain = draw(xy, [0.9] * 4, (40, 20, 200, 160))
    drawn = draw(xy, [0.9] * 4, (40, 20, 200, 160), skeleton=((0, 1), (3, 2)))
    assert drawn[50, 90].tolist() == drawn[150, 190].tolist() == list(LINE_BGR)
    assert not (drawn != plain)[60:140].any()  # points 1 and 2 are not joined
    for k, (x, y) in enumerate(xy):
        assert drawn[y, x].tolist() == list(landmark_color(k))


@pytest.mark.parametrize("opacity", [1.0, 0.6, 0.25, 0.0])
def test_a_line_is_as_faint_as_the_fainter_of_its_ends(opacity: float) -> None:
    image = np.full((200, 300, 3), GREY, np.uint8)
    xy, seen = np.float32([[40, 50], [240, 50]]), np.float32([1, opacity])
    draw_object(image, xy, np.ones(2, np.float32), seen, 4.0, ((0, 1),))
    expected = opacity * np.array(LINE_BGR) + (1 - opacity) * GREY
    np.testing.assert_allclose(image[50, 140], expected, atol=1)


def test_a_line_to_a_point_far_outside_the_picture_stays_inside() -> None:
    for place in ([3e9, -3e9], [-50, 20], [20, 1e4]):
        for opacity in (0.5, 1.0):
            image = np.full((60, 80, 3), GREY, np.uint8)
            seen = np.full(2, opacity, np.float32)
            xy = np.float32([[30, 30], place])
            draw_object(image, xy, np.ones(2, np.float32), seen, 4.0, ((0, 1),))
            assert (image[30, 30] != GREY).any()
