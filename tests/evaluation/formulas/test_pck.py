from __future__ import annotations

import math

import numpy as np
import pytest

from lmk.evaluation.formulas.pck import pck, pckh
from lmk.system.errors import DataError

NAMES = ["left_hand", "neck", "head_top", "right_hand"]


def test_pckh_of_hand_made_points() -> None:
    """Head segments of 10 and 20 px: joints count within 5 and 10 px."""
    annotated = np.zeros((4, 4, 2))
    annotated[0] = [[40, 40], [50, 50], [50, 40], [60, 60]]
    annotated[1] = [[10, 10], [50, 50], [62, 34], [90, 90]]
    annotated[2] = annotated[3] = annotated[0]
    offsets = np.array([[[3, 4], [0, 0], [0, 0], [4, 4]], [[6, 7.9], [10.1, 0], [0, 0], [0, 0]]])
    predicted = annotated + np.concatenate([offsets, np.zeros((2, 4, 2))])
    labelled = np.ones((4, 4), bool)
    labelled[1, 3] = False
    labelled[2, 1] = labelled[3, 2] = False  # no head segment: both are left out
    result = pckh(predicted, annotated, labelled, NAMES)
    np.testing.assert_array_equal(result.labelled, [2, 2, 2, 1])
    np.testing.assert_array_equal(result.hits, [2, 1, 2, 0])
    assert result.excluded == 2
    np.testing.assert_allclose(result.per_joint, [1, 0.5, 1, 0])
    assert result.overall == pytest.approx(5 / 7)
    tight = pckh(predicted, annotated, labelled, NAMES, threshold=0.49)
    np.testing.assert_array_equal(tight.hits, [0, 1, 2, 0])


def test_pck_matches_the_definition() -> None:
    rng = np.random.default_rng(0)
    annotated = rng.uniform(0, 128, (23, 5, 2))
    predicted = annotated + rng.normal(0, 6, annotated.shape)
    labelled = rng.random((23, 5)) < 0.7
    labelled[:, 4] = False
    reference = rng.uniform(20, 60, 23)
    reference[[3, 8]] = [np.nan, 0]
    result = pck(predicted, annotated, labelled, reference, threshold=0.2)
    hits, counts = [0] * 5, [0] * 5
    for i in range(23):
        for k in range(5):
            if i in (3, 8) or not labelled[i, k]:
                continue
            counts[k] += 1
            dx, dy = predicted[i, k] - annotated[i, k]
            hits[k] += math.hypot(dx, dy) <= 0.2 * reference[i]
    np.testing.assert_array_equal(result.hits, hits)
    np.testing.assert_array_equal(result.labelled, counts)
    assert result.excluded == 2
    assert 0.2 < result.overall < 0.95
    assert result.overall == pytest.approx(sum(hits) / sum(counts))
    assert np.isnan(result.per_joint).tolist() == [False, False, False, False, True]


def test_points_that_are_not_labelled_may_be_nan() -> None:
    annotated = np.array([[[1, 1], [5, 5], [5, 9], [np.nan, np.nan]]])
    labelled = np.array([[True, True, True, False]])
    result = pckh(np.nan_to_num(annotated), annotated, labelled, NAMES)
    assert result.overall == 1


def test_joints_without_head_are_an_error() -> None:
    points, labelled = np.zeros((2, 2, 2)), np.ones((2, 2), bool)
    with pytest.raises(DataError, match="head_top"):
        pckh(points, points, labelled, ["neck", "left_hand"])


def test_nothing_to_count_is_an_error() -> None:
    points, labelled = np.zeros((2, 4, 2)), np.ones((2, 4), bool)
    with pytest.raises(DataError, match="none of 2 images"):
        pckh(points, points, labelled, NAMES)  # head segments of length zero
