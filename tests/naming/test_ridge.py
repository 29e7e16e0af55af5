from __future__ import annotations

import numpy as np
import pytest

from lmk.naming.ridge import Ridge


def rows(pictures: list[int], seed: int = 0) -> Ridge:
    random = np.random.default_rng(seed)
    count = len(pictures)
    return Ridge(
        random.normal(30, 4, (count, 5)), random.normal(-7, 3, (count, 2)), np.array(pictures)
    )


@pytest.mark.parametrize("weight", [0.01, 3.0])
def test_residuals_of_a_left_out_picture_are_those_of_a_fit_without_it(weight: float) -> None:
    """With one, two and three rows of a picture, not beside each other."""
    ridge = rows([4, 0, 0, 1, 4, 2, 1, 4, 7, 9, 9])
    found = ridge.left_out(weight)
    for picture in np.unique(ridge.picture):
        out = ridge.picture == picture
        others = Ridge(ridge.x[~out], ridge.y[~out], ridge.picture[~out])
        # The penalty is that of the fit of all.
        matrix, constant = others.fit(weight * ridge.unit / others.unit)
        np.testing.assert_allclose(
            found[out], ridge.y[out] - ridge.x[out] @ matrix - constant, atol=1e-5
        )


def test_the_fit_is_that_of_least_squares_with_a_penalty() -> None:
    """Solved as one with an unpenalised column of ones, by the pseudo-inverse."""
    ridge, weight = rows([0, 1, 2, 3, 4, 5, 6]), 0.7
    penalty = np.sqrt(weight * ridge.unit) * np.eye(5, 6)
    stacked = np.vstack([np.c_[ridge.x, np.ones(7)], penalty])
    solved = np.linalg.pinv(stacked) @ np.vstack([ridge.y, np.zeros((5, 2))])
    matrix, constant = ridge.fit(weight)
    np.testing.assert_allclose(matrix, solved[:5], atol=1e-8)
    np.testing.assert_allclose(constant, solved[5], atol=1e-8)


def test_a_weight_means_the_same_in_any_unit() -> None:
    ridge = rows([0, 1, 2, 3, 4, 5])
    larger = Ridge(10 * ridge.x, 10 * ridge.y, ridge.picture)
    np.testing.assert_allclose(10 * ridge.left_out(1.5), larger.left_out(1.5), rtol=1e-6)
