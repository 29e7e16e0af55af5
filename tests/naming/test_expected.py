from __future__ import annotations

import numpy as np
import pytest

from lmk.naming.expected import by_picture, expected, far_off, student_t


@pytest.mark.parametrize(("freedom", "rel"), [(2, 0.04), (3, 0.01), (9, 1e-3), (200, 1e-5)])
def test_quantiles_of_student_s_t(freedom: int, rel: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=rel)


def test_an_interval_by_hand() -> None:
    found = expected(np.array([1.0, 2.0, np.nan, 3.0, 6.0]))
    # Mean 3, standard deviation sqrt(14 / 3), so that half of it is 3.182 * 2.160 / 2.
    assert found.mean == 3
    assert found.low == 0  # no distance is below
    assert found.high == pytest.approx(6.437, rel=0.01)
    assert np.isnan(expected(np.array([4.0])).low)
    assert expected(np.array([4.0])).mean == 4


def test_pictures_count_alike_however_many_points_they_have() -> None:
    errors = np.array([[1, np.nan, 3], [np.nan] * 3, [5, 5, np.nan]])
    np.testing.assert_array_equal(by_picture(errors), [2, np.nan, 5])


def test_errors_far_above_those_of_the_same_point_are_told_the_largest_first() -> None:
    errors = np.full((6, 3), 1.5, np.float32)
    errors[:, 2] = 20  # a hard point, as far off everywhere
    errors[1, 0], errors[4, 1], errors[2, 0] = 9, 30, 5.5
    assert far_off(errors) == [(4, 1), (1, 0)]  # 5.5 is less than four times 1.5
    assert far_off(errors[:4]) == []  # too few to know what is usual
