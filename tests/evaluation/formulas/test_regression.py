from __future__ import annotations

import math

import numpy as np
import pytest

from lmk.evaluation.formulas.regression import (
    RIDGE,
    Pairs,
    assign_folds,
    cross_validated_errors,
    draw_images,
    fit_ridge,
    point_errors,
    regression_errors,
)
from lmk.system.errors import DataError, UsageError

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
    found_test, annotated_test, normalizer = make_points(17, 1)
    train, test = Pairs(found, annotated), Pairs(found_test, annotated_test)
    forward = regression_errors(train, test, normalizer, ridge=ridge)
    expected = slow_errors(found, annotated, found_test, annotated_test, normalizer, ridge)
    np.testing.assert_allclose(forward.percent, [expected], rtol=1e-7)
    assert forward.mean == pytest.approx(np.mean(expected))
    assert forward.std == 0
    backward = regression_errors(train.swapped(), test.swapped(), normalizer, ridge=ridge)
    expected = slow_errors(annotated, found, annotated_test, found_test, normalizer, ridge)
    np.testing.assert_allclose(backward.percent, [expected], rtol=1e-7)


def test_each_draw_is_a_regression_of_its_own() -> None:
    found, annotated, _ = make_points(30, 0)
    found_test, annotated_test, normalizer = make_points(17, 1)
    train, test = Pairs(found, annotated), Pairs(found_test, annotated_test)
    errors = regression_errors(train, test, normalizer, count=12, draws=4, seed=3)
    for draw, index in enumerate(draw_images(30, 12, draws=4, seed=3)):
        expected = slow_errors(
            found[index], annotated[index], found_test, annotated_test, normalizer, RIDGE
        )
        np.testing.assert_allclose(errors.percent[draw], expected, rtol=1e-6)


def test_cross_validation_matches_the_definition() -> None:
    """Every image by a regressor of the images outside its fold."""
    found, annotated, normalizer = make_points(23, 0)
    pairs = Pairs(found, annotated)
    assigned = assign_folds(23, 4, seed=2)
    assert sorted(np.bincount(assigned)) == [5, 6, 6, 6]
    whole = cross_validated_errors(pairs, normalizer, folds=4, seed=2)
    drawn = cross_validated_errors(pairs, normalizer, folds=4, seed=2, count=9, draws=3)
    assert whole.percent.shape == (1, 23)
    assert drawn.percent.shape == (3, 23)
    for image in range(23):
        others = [i for i in range(23) if assigned[i] != assigned[image]]
        one = slice(image, image + 1)
        arrays = (found[others], annotated[others], found[one], annotated[one], normalizer[one])
        assert whole.percent[0, image] == pytest.approx(slow_errors(*arrays, RIDGE)[0], rel=1e-6)
        for draw, index in enumerate(draw_images(len(others), 9, draws=3, seed=2)):
            chosen = [others[i] for i in index]
            arrays = (found[chosen], annotated[chosen], *arrays[2:])
            expected = slow_errors(*arrays, RIDGE)[0]
            assert drawn.percent[draw, image] == pytest.approx(expected, rel=1e-6)


def test_cross_validation_with_as_many_images_as_the_smaller_folds_leave() -> None:
    found, annotated, normalizer = make_points(7, 0)
    errors = cross_validated_errors(Pairs(found, annotated), normalizer, folds=2, count=3, draws=4)
    assert errors.percent.shape == (4, 7)
    assert np.isfinite(errors.percent).all()


def test_default_ridge_is_the_authors() -> None:
    assert RIDGE == 1e-5
    found, annotated, normalizer = make_points(9, 0)
    pairs = Pairs(found, annotated)
    np.testing.assert_array_equal(
        regression_errors(pairs, pairs, normalizer).percent,
        regression_errors(pairs, pairs, normalizer, ridge=1e-5).percent,
    )


def test_error_does_not_depend_on_the_unit_of_points() -> None:
    found, annotated, normalizer = make_points(9, 0)
    pixels, shares = Pairs(found, annotated), Pairs(found / 128, annotated / 128)
    np.testing.assert_allclose(
        regression_errors(pixels, pixels, normalizer).percent,
        regression_errors(shares, shares, normalizer / 128).percent,
        rtol=1e-3,
    )


def test_detector_that_returns_the_annotation_has_no_error() -> None:
    _, annotated, _ = make_points(40, 0)
    _, test, normalizer = make_points(20, 1)
    perfect = Pairs(annotated, annotated), Pairs(test, test)
    errors = regression_errors(*perfect, normalizer)
    assert errors.mean < 0.01
    np.testing.assert_allclose(errors.predicted[0], test, atol=0.02)
    assert errors.failure_rate(10) == 0
    assert cross_validated_errors(perfect[0], make_points(40, 0)[2]).mean < 0.01


def test_constant_detector_predicts_the_mean_shape_and_is_predicted_exactly() -> None:
    annotated = np.array([[[10, 10], [20, 10]], [[10, 14], [26, 10]]], np.float32)
    test = np.array([[[13, 16], [23, 14]], [[10, 12], [23, 22]]], np.float32)
    constant = np.full((2, 3, 2), 64, np.float32)
    train, tested = Pairs(constant, annotated), Pairs(constant, test)
    forward = regression_errors(train, tested, np.array([10.0, 20.0]))
    # The mean shape is (10, 12), (23, 10): distances 5 and 4, then 0 and 12.
    np.testing.assert_allclose(forward.percent, [[45, 30]], rtol=1e-9)
    assert forward.failure_rate(30.5) == 0.5
    backward = regression_errors(train.swapped(), tested.swapped(), np.array([10.0, 20.0]))
    np.testing.assert_allclose(backward.percent, 0, atol=1e-9)


def test_one_training_image_predicts_its_own_points() -> None:
    found, annotated, _ = make_points(1, 0)
    other, _, _ = make_points(3, 1)
    predicted = fit_ridge(found, annotated)(other)
    np.testing.assert_allclose(predicted, np.repeat(annotated, 3, axis=0), atol=1e-6)


def test_draws_are_summarised_by_mean_and_deviation_of_their_means() -> None:
    found, annotated, _ = make_points(50, 0)
    found_test, annotated_test, normalizer = make_points(20, 1)
    pairs = Pairs(found, annotated), Pairs(found_test, annotated_test)
    few = regression_errors(*pairs, normalizer, count=12, draws=5, seed=3)
    assert few.percent.shape == (5, 20)
    means = [sum(row) / 20 for row in few.percent]
    assert few.mean == pytest.approx(sum(means) / 5)
    deviation = math.sqrt(sum((mean - few.mean) ** 2 for mean in means) / 5)
    assert few.std == pytest.approx(deviation)
    assert few.std > 0
    assert few.mean > regression_errors(*pairs, normalizer).mean
    again = regression_errors(*pairs, normalizer, count=12, draws=5, seed=3)
    np.testing.assert_array_equal(few.percent, again.percent)
    other = regression_errors(*pairs, normalizer, count=12, draws=5, seed=4)
    assert not np.allclose(few.percent, other.percent)


def test_draw_uses_distinct_training_images() -> None:
    drawn = draw_images(5, 4, draws=30, seed=0)
    assert drawn.shape == (30, 4)
    assert all(len(set(row)) == 4 for row in drawn.tolist())
    assert {10 - sum(row) for row in drawn.tolist()} == {0, 1, 2, 3, 4}
    np.testing.assert_array_equal(draw_images(5, None, draws=30, seed=0), [[0, 1, 2, 3, 4]])
    np.testing.assert_array_equal(draw_images(5, 5, draws=30, seed=0), [[0, 1, 2, 3, 4]])


def test_point_errors_are_mean_distances_in_percent() -> None:
    predicted = np.array([[[3, 4], [1, 1]], [[0, 0], [6, 8]]], float)
    expected = np.array([[[0, 0], [1, 1]], [[0, 1], [0, 0]]], float)
    errors = point_errors(predicted, expected, np.array([10.0, 50.0]))
    np.testing.assert_allclose(errors, [25, 11])


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -1.0])
def test_unusable_normalizer_is_an_error(bad: float) -> None:
    points = np.zeros((4, 2, 2))
    with pytest.raises(DataError, match=r"2 of 4 images .* index 1"):
        point_errors(points, points, np.array([1, bad, 1, bad]))


def test_pairs_that_do_not_fit_are_errors() -> None:
    found, annotated, _ = make_points(5, 0)
    with pytest.raises(DataError, match="5 images with source points, 4"):
        Pairs(found, annotated[:4])
    with pytest.raises(DataError, match="expected an array"):
        Pairs(found[:0], annotated[:0])
    annotated[3, 1, 0] = np.nan
    with pytest.raises(DataError, match=r"1 of 5 images lack target points.* index 3"):
        Pairs(found, annotated)


def test_counts_that_cannot_be_drawn_are_errors() -> None:
    found, annotated, normalizer = make_points(5, 0)
    pairs = Pairs(found, annotated)
    with pytest.raises(DataError, match="6 training images requested, but only 5"):
        regression_errors(pairs, pairs, normalizer, count=6)
    with pytest.raises(UsageError, match="at least 1"):
        regression_errors(pairs, pairs, normalizer, count=0)
    with pytest.raises(UsageError, match="at least 1"):
        regression_errors(pairs, pairs, normalizer, count=2, draws=0)
    with pytest.raises(UsageError, match="above 0"):
        regression_errors(pairs, pairs, normalizer, ridge=0)
    for folds in (1, 6):
        with pytest.raises(UsageError, match="from 2 to the number of images, 5"):
            cross_validated_errors(pairs, normalizer, folds=folds)
