from __future__ import annotations

import numpy as np
import pytest

from lmk.evaluation.formulas.nme import nme

ANNOTATED = np.array([[[10.0, 10], [50, 10], [30, 40]], [[0, 0], [40, 0], [9, 9]], [[5, 5]] * 3])
LABELLED = np.array([[True, True, True], [True, True, False], [True, True, True]])
LENGTHS = np.array([40.0, 20.0, 0.0])


def measured():
    found = ANNOTATED.copy()
    found[0, 0] += (3, 4)  # 5 of 40: 12.5 %
    found[0, 2] += (0, 4)  # 10 %
    found[1, 1] += (0, -1)  # 1 of 20: 5 %
    found[1, 2] += 99  # not labelled
    found[2] += 7  # no length
    return nme(found, ANNOTATED, LABELLED, LENGTHS)


def test_errors_by_hand() -> None:
    one = measured()
    np.testing.assert_allclose(one.percent[0], [12.5, 0, 10])
    np.testing.assert_allclose(one.per_image, [7.5, 2.5, np.nan])
    np.testing.assert_allclose(one.per_point, [6.25, 2.5, 10])
    np.testing.assert_allclose(one.known, [7.5, 2.5])
    assert one.failure_rate(5) == 0.5


@pytest.mark.parametrize("limit", [3.0, 10.0, 40.0])
def test_the_area_is_that_under_the_curve(limit: float) -> None:
    """Against a sum over a million steps of the curve."""
    errors = measured().known
    at = (np.arange(1_000_000) + 0.5) / 1_000_000 * limit
    height = np.searchsorted(np.sort(errors), at, side="right") / len(errors)
    assert measured().area_under_curve(limit) == pytest.approx(height.mean(), abs=1e-5)
