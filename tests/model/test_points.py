"""The map to named points: against a hand calculation, and on landmarks without a pose."""

from __future__ import annotations

import numpy as np
import pytest
from named_models import random_map

from lmk.model.points import NamedPoints, map_in_frames, points_from_json

SQUARE = np.float32([[30, 40], [90, 40], [90, 100], [30, 100]])


def moved(xy: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    turn = np.deg2rad(degrees)
    rows = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return scale * (xy - SQUARE.mean(0)) @ rows + SQUARE.mean(0) + shift


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1), (30, 0.5), (-100, 1.7)])
def test_a_point_beside_the_landmarks_follows_their_pose(degrees: float, scale: float) -> None:
    """One point 10 px right of the first corner, of the square as it is and as it was moved."""
    corner = np.zeros((8, 2), np.float32)
    corner[0, 0] = corner[1, 1] = 1
    beside = map_in_frames(SQUARE, 0 * corner, np.float32([10, 0]), corner, np.zeros(2, np.float32))
    xy = moved(SQUARE, degrees, scale, (7, -3))
    expected = moved(SQUARE[:1] + np.float32([10, 0]), degrees, scale, (7, -3))
    np.testing.assert_allclose(beside(xy[None].astype(np.float32))[0], expected, atol=1e-4)


def test_a_map_of_shape_finds_what_the_upright_object_has() -> None:
    """The same landmarks turned: the same points turned, for a map that acts in the pose alone."""
    random = np.random.default_rng(1)
    shape = SQUARE + random.normal(0, 6, SQUARE.shape)
    weights = random.normal(0, 0.3, (8, 6)).astype(np.float32)
    only = map_in_frames(SQUARE, weights, np.ones(6), 0 * weights, np.zeros(6))
    centred = shape - shape.mean(0)
    upright = only(centred[None].astype(np.float32))[0]
    for degrees, scale in ((25, 0.6), (160, 2.0)):
        turn = np.deg2rad(degrees)
        rows = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        found = only((centred @ rows)[None].astype(np.float32))[0]
        np.testing.assert_allclose(found, upright @ rows, atol=1e-3)


@pytest.mark.parametrize("place", [(0.0, 0.0), (64.0, 64.0), (127, 3)])
def test_landmarks_that_coincide_have_finite_points(place: tuple[float, float]) -> None:
    xy = np.full((2, 7, 2), place, np.float32)
    xy[1, 3] += 1e-4
    found = random_map(7, 3)(xy)
    assert found.shape == (2, 3, 2)
    assert np.isfinite(found).all()
    assert (np.abs(found) < 16 * 128).all()  # those that a run accepts


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"names":["a","a"]}', "different names"),
        ('{"names":["a","b"],"skeleton":[[0,2]]}', "pairs of 2 points"),
        ('{"names":["a","b"],"skeleton":[[1,1]]}', "pairs of 2 points"),
        ('{"names":["a\\n"]}', "names"),
        ('{"names":[""]}', "names"),
        ('{"names":"a"}', "names"),
    ],
)
def test_names_that_no_model_may_have(content: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        points_from_json(content)


def test_names_and_skeleton_are_read_back() -> None:
    points = NamedPoints(("left_pupil", "Nase, links", "鼻"), ((0, 1), (2, 0)))
    assert points_from_json(points.to_json()) == points
    assert points.bones == ["left_pupil-Nase, links", "鼻-left_pupil"]


def test_the_two_maps_are_those_of_the_frames() -> None:
    """Against the definition: bring back by the pose, map, bring to the object, add the other."""
    random = np.random.default_rng(3)
    mean = random.uniform(20, 100, (5, 2))
    in_pose, in_input = random.normal(0, 0.3, (2, 10, 6))
    pose_bias, input_bias = random.normal(0, 20, (2, 6))
    found = map_in_frames(mean, in_pose, pose_bias, in_input, input_bias)
    xy = random.uniform(10, 110, (4, 5, 2))
    for row, points in zip(xy, found(xy), strict=True):
        centred = mean - mean.mean(0)
        # The similarity with the least squares: of a design matrix of x, y and of -y, x.
        across = np.stack([-centred[:, 1], centred[:, 0]], 1)
        design = np.stack([centred.ravel(), across.ravel()], 1)
        cos, sin = np.linalg.lstsq(design, (row - row.mean(0)).ravel(), rcond=None)[0]
        turn = np.array([[cos, sin], [-sin, cos]])
        upright = (row @ np.linalg.inv(turn)).ravel()
        posed = (upright @ in_pose + pose_bias).reshape(3, 2) @ turn
        expected = posed + (row.ravel() @ in_input + input_bias).reshape(3, 2)
        np.testing.assert_allclose(points, expected, atol=1e-3)
