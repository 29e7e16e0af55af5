from __future__ import annotations

import math

import numpy as np
import pytest

from lmk.errors import DataError, UsageError
from lmk.evaluation.regression import (
    RIDGE,
    apply,
    backward_error,
    fit_ridge,
    forward_error,
    point_errors,
)

FOUND, ANNOTATED = 4, 3


def make_points(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Found points (N, 4, 2) loosely tied to annotated ones (N, 3, 2), and normalisers (N,)."""
    rng = np.random.default_rng(seed)
    annotated = np.array([[40, 50], [80, 45], [60, 90]]) + rng.normal(0, 8, (count, ANNOTATED, 2))
    mixing = np.random.default_rng(99).normal(0, 0.5, (2 * ANNOTATED, 2 * FOUND))
    found = (annotated.reshape(count, -1) @ mixing).reshape(count, FOUND, 2)
    found = found + 30 + rng.normal(0, 3, found.shape)
    normaliser = np.linalg.norm(annotated[:, 0] - annotated[:, 1], axis=-1)
    return found.astype(np.float32), annotated.astype(np.float32), normaliser


def slow_errors(
    source_train: np.ndarray,
    target_train: np.ndarray,
    source_test: np.ndarray,
    target_test: np.ndarray,
    normaliser: np.ndarray,
    ridge: float,
) -> list[float]:
    """Ridge regression as least squares with extra rows, one target coordinate at a time."""
    x = source_train.reshape(len(source_train), -1).astype(float)
    y = target_train.reshape(len(target_train), -1).astype(float)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    largest = 0.0
    for a in range(x.shape[1]):
        for b in range(x.shape[1]):
            largest = max(largest, sum((row[a] - x_mean[a]) * (row[b] - x_mean[b]) for row in x))
    extra = math.sqrt(ridge * largest) * np.eye(x.shape[1])
    columns = []
    for column in range(y.shape[1]):
        right = np.concatenate([y[:, column] - y_mean[column], np.zeros(x.shape[1])])
        columns.append(np.linalg.lstsq(np.concatenate([x - x_mean, extra]), right, rcond=None)[0])
    errors = []
    for source, target, length in zip(source_test, target_test, normaliser, strict=True):
        total = 0.0
        for point in range(len(target)):
            px, py = (
                y_mean[2 * point + axis] + (source.reshape(-1) - x_mean) @ columns[2 * point + axis]
                for axis in range(2)
            )
            total += math.hypot(px - target[point, 0], py - target[point, 1])
        errors.append(100 * total / len(target) / length)
    return errors


@pytest.mark.parametrize("ridge", [RIDGE, 0.05])
def test_errors_match_the_definition(ridge: float) -> None:
    found, annotated, _ = make_points(30, 0)
    found_test, annotated_test, normaliser = make_points(17, 1)
    arrays = (found, annotated, found_test, annotated_test)
    forward = forward_error(*arrays, normaliser, ridge=ridge)
    backward = backward_error(*arrays, normaliser, ridge=ridge)
    expected = slow_errors(found, annotated, found_test, annotated_test, normaliser, ridge)
    np.testing.assert_allclose(forward.percent, [expected], rtol=1e-7)
    assert forward.mean == pytest.approx(np.mean(expected))
    assert forward.std == 0
    expected = slow_errors(annotated, found, annotated_test, found_test, normaliser, ridge)
    np.testing.assert_allclose(backward.percent, [expected], rtol=1e-7)


def test_default_ridge_is_the_authors() -> None:
    assert RIDGE == 1e-5


def test_error_does_not_depend_on_the_unit_of_points() -> None:
    found, annotated, normaliser = make_points(9, 0)
    pixels = forward_error(found, annotated, found, annotated, normaliser)
    shares = forward_error(
        found / 128, annotated / 128, found / 128, annotated / 128, normaliser / 128
    )
    np.testing.assert_allclose(pixels.percent, shares.percent, rtol=1e-3)


def test_detector_that_returns_the_annotation_has_no_error() -> None:
    _, annotated, _ = make_points(40, 0)
    _, test, normaliser = make_points(20, 1)
    arrays = (annotated, annotated, test, test, normaliser)
    assert forward_error(*arrays).mean < 0.01
    assert backward_error(*arrays).mean < 0.01


def test_constant_detector_predicts_the_mean_shape_and_is_predicted_exactly() -> None:
    annotated = np.array([[[10, 10], [20, 10]], [[10, 14], [26, 10]]], np.float32)
    test = np.array([[[13, 16], [23, 14]], [[10, 12], [23, 22]]], np.float32)
    constant = np.full((2, 3, 2), 64, np.float32)
    forward = forward_error(constant, annotated, constant, test, np.array([10.0, 20.0]))
    # The mean shape is (10, 12), (23, 10): distances 5 and 4, then 0 and 12.
    np.testing.assert_allclose(forward.percent, [[45, 30]], rtol=1e-9)
    backward = backward_error(constant, annotated, constant, test, np.array([10.0, 20.0]))
    np.testing.assert_allclose(backward.percent, 0, atol=1e-9)


def test_one_training_image_predicts_its_own_points() -> None:
    found, annotated, _ = make_points(1, 0)
    other, _, _ = make_points(3, 1)
    predicted = apply(fit_ridge(found, annotated), other)
    np.testing.assert_allclose(predicted, np.repeat(annotated, 3, axis=0), atol=1e-6)


def test_draws_take_count_images_and_summarise_over_draws() -> None:
    found, annotated, _ = make_points(50, 0)
    arrays = (found, annotated, *make_points(20, 1))
    few = forward_error(*arrays, count=12, draws=5, seed=3)
    assert few.percent.shape == (5, 20)
    means = [sum(row) / 20 for row in few.percent]
    assert few.mean == pytest.approx(sum(means) / 5)
    deviation = math.sqrt(sum((mean - few.mean) ** 2 for mean in means) / 5)
    assert few.std == pytest.approx(deviation)
    assert few.std > 0
    assert few.mean > forward_error(*arrays).mean
    again = forward_error(*arrays, count=12, draws=5, seed=3)
    np.testing.assert_array_equal(few.percent, again.percent)
    other = forward_error(*arrays, count=12, draws=5, seed=4)
    assert not np.allclose(few.percent, other.percent)


def test_draw_uses_distinct_training_images() -> None:
    annotated = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((1, 1, 2), np.float32)
    constant = np.zeros((5, 1, 2), np.float32)
    result = forward_error(
        constant, annotated, constant[:1], annotated[:1], np.ones(1), count=4, draws=30
    )
    # A constant detector predicts the mean of the four images drawn: (10 - left out) / 4.
    allowed = [100 * math.sqrt(2) * (10 - left_out) / 4 for left_out in range(5)]
    assert {round(value, 3) for value in result.percent[:, 0]} == {round(v, 3) for v in allowed}


def test_point_errors_are_mean_distances_in_percent() -> None:
    predicted = np.array([[[3, 4], [1, 1]], [[0, 0], [6, 8]]], float)
    expected = np.array([[[0, 0], [1, 1]], [[0, 1], [0, 0]]], float)
    errors = point_errors(predicted, expected, np.array([10.0, 50.0]))
    np.testing.assert_allclose(errors, [25, 11])


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -1.0])
def test_unusable_normaliser_is_an_error(bad: float) -> None:
    points = np.zeros((4, 2, 2))
    with pytest.raises(DataError, match=r"2 of 4 images .* index 1"):
        point_errors(points, points, np.array([1, bad, 1, bad]))


def test_missing_points_are_an_error() -> None:
    found, annotated, normaliser = make_points(5, 0)
    annotated[3, 1, 0] = np.nan
    with pytest.raises(DataError, match=r"1 of 5 images lack .* index 3"):
        forward_error(found, annotated, found, annotated, normaliser)
    with pytest.raises(DataError, match="1 of 5 images lack source points"):
        apply(fit_ridge(found[:3, :3], found[:3]), annotated)


def test_counts_that_cannot_be_drawn_are_errors() -> None:
    found, annotated, normaliser = make_points(5, 0)
    arrays = (found, annotated, found, annotated, normaliser)
    with pytest.raises(DataError, match="6 training images asked for, only 5"):
        forward_error(*arrays, count=6)
    with pytest.raises(UsageError, match="at least 1"):
        forward_error(*arrays, count=0)
    with pytest.raises(UsageError, match="above 0"):
        forward_error(*arrays, ridge=0)
    with pytest.raises(DataError, match="5 images with source points, 4"):
        fit_ridge(found, annotated[:4])
    with pytest.raises(DataError, match="expected an array"):
        fit_ridge(found[:0], annotated[:0])
