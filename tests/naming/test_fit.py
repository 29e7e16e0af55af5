from __future__ import annotations

import numpy as np
import pytest

from lmk.geometry import apply_affine, turn_about
from lmk.naming.examples import Examples
from lmk.naming.fit import fit_points
from lmk.system.errors import DataError

MEAN = np.float32([[30, 40], [90, 45], [60, 100], [70, 20]])
PLACES = np.float32([[45, 60], [80, 80], [20, 10]])


def posed(count: int, seed: int, wobble: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (N, 4, 2) and points (N, 3, 2) of an object in random poses; landmarks wobble."""
    random = np.random.default_rng(seed)
    centre = MEAN.mean(0)
    matrices = turn_about(
        centre,
        centre + random.normal(0, 8, (count, 2)),
        random.normal(0, 0.4, count),
        random.uniform(0.6, 1.3, count),
    )
    xy = apply_affine(matrices, np.tile(MEAN, (count, 1, 1)))
    return xy + random.normal(0, wobble, xy.shape), apply_affine(matrices, PLACES)


def examples(xy: np.ndarray, points: np.ndarray) -> Examples:
    return Examples(xy, points, np.arange(len(xy)))


def test_one_picture_is_enough_for_an_object_that_only_moves_turns_and_grows() -> None:
    xy, points = posed(1, seed=1)
    fit = fit_points(examples(xy, points), MEAN)
    assert np.isnan(fit.errors_px).all()
    other_xy, expected = posed(1, seed=1)
    np.testing.assert_allclose(fit.point_map(other_xy), expected, atol=0.01)


def test_few_pictures_say_where_points_lie_in_every_pose() -> None:
    fit = fit_points(examples(*posed(6, seed=2, wobble=0.3)), MEAN)
    xy, expected = posed(50, seed=3)
    away = np.linalg.norm(fit.point_map(xy) - expected, axis=2)
    assert away.mean() < 2  # a quarter of what they move
    assert fit.blend > 0


def test_many_pictures_find_any_affine_map_of_the_landmarks() -> None:
    """Also one that knows no pose: x and y are stretched differently."""
    random = np.random.default_rng(4)
    matrix, constant = random.normal(0, 0.5, (8, 6)), random.uniform(0, 99, 6)

    def made(count: int) -> tuple[np.ndarray, np.ndarray]:
        xy = MEAN + random.normal(0, 6, (count, 4, 2))
        return xy, (xy.reshape(count, 8) @ matrix + constant).reshape(count, 3, 2)

    fit = fit_points(examples(*made(400)), MEAN)
    xy, expected = made(30)
    assert fit.blend == 0
    np.testing.assert_allclose(fit.point_map(xy), expected, atol=0.05)


def test_points_are_fitted_on_the_pictures_that_have_them() -> None:
    xy, points = posed(12, seed=5)
    points[::2, 0] = np.nan
    points[1:, 2] = np.nan
    fit = fit_points(examples(xy, points), MEAN)
    found, expected = posed(20, seed=6)
    np.testing.assert_array_equal(np.isnan(fit.errors_px[:, 0]), np.arange(12) % 2 == 0)
    assert np.isnan(fit.errors_px[:, 2]).all()  # left out, no picture has it
    assert np.linalg.norm(fit.point_map(found) - expected, axis=2).mean(0).max() < 6


def test_a_mirrored_picture_is_left_out_with_its_own() -> None:
    """If only the mirror image knew of a picture, its error would be that of a copy: none."""
    xy, points = posed(8, seed=7, wobble=2.0)
    once = fit_points(examples(xy, points), MEAN)
    picture = np.tile(np.arange(8), 2)
    twice = fit_points(Examples(np.tile(xy, (2, 1, 1)), np.tile(points, (2, 1, 1)), picture), MEAN)
    assert twice.errors_px.shape == (8, 3)
    np.testing.assert_allclose(twice.errors_px.mean(), once.errors_px.mean(), rtol=0.3)


def test_a_picture_with_swapped_points_has_the_largest_error() -> None:
    xy, points = posed(15, seed=8, wobble=0.5)
    points[4, :2] = points[4, 1::-1].copy()
    errors = fit_points(examples(xy, points), MEAN).errors_px
    assert errors[:, 0].argmax() == errors[:, 1].argmax() == 4
    assert errors[4, 0] > 3 * np.median(errors[:, 0])


def test_errors_are_those_on_new_pictures() -> None:
    xy, points = posed(60, seed=9, wobble=2.0)
    fit = fit_points(examples(xy, points), MEAN)
    others, expected = posed(500, seed=10, wobble=2.0)
    away = np.linalg.norm(fit.point_map(others) - expected, axis=2)
    assert fit.errors_px.mean() == pytest.approx(away.mean(), rel=0.15)


def test_a_point_that_no_picture_has_is_refused() -> None:
    xy, points = posed(3, seed=11)
    points[:, 1] = np.nan
    with pytest.raises(DataError, match="point 1 is annotated in no picture"):
        fit_points(examples(xy, points), MEAN)


def test_landmarks_that_coincide_give_finite_points() -> None:
    xy, points = posed(4, seed=12)
    fit = fit_points(examples(xy, points), MEAN)
    assert np.isfinite(fit.point_map(np.full((2, 4, 2), 55.0))).all()
