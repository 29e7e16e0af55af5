"""Ridge regression whose error on left-out pictures is exact and needs no second fit.

A picture may give several rows, such as its mirror image, which are left out together. With H the
matrix from the given to the fitted values, the residuals of the rows of a left-out picture are
(I - H_pp)^-1 times their residuals in the fit of all, H_pp its block in H.
Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 7.10, whose formula
for one row this extends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import DoubleArray, Indices

LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Ridge:
    """Values (R, T) on deviations (R, D) of R rows, each of a picture (R,), by number.

    weight: in units of the deviations' mean square, so that it means the same in any unit.
    """

    x: DoubleArray
    y: DoubleArray
    picture: Indices

    def fit(self, weight: float) -> tuple[DoubleArray, DoubleArray]:
        """The map (D, T) and the constant (T,) of least squares and weight * unit * |map|^2."""
        centred = self.x - self.x.mean(0)
        gram = centred.T @ centred + weight * self.unit * np.eye(self.x.shape[1])
        matrix = np.linalg.solve(gram, centred.T @ (self.y - self.y.mean(0)))
        return matrix, self.y.mean(0) - self.x.mean(0) @ matrix

    @property
    def unit(self) -> float:
        """Mean square of the deviations from their means."""
        return max(float(self.x.var(0).mean()), LEAST)

    def left_out(self, weight: float) -> DoubleArray:
        """Residuals (R, T) of every row, from the fit of all other pictures."""
        centred = self.x - self.x.mean(0)
        gram = centred.T @ centred + weight * self.unit * np.eye(self.x.shape[1])
        solved = np.linalg.solve(gram, centred.T)  # (D, R)
        matrix, constant = self.fit(weight)
        residual = self.y - self.x @ matrix - constant
        out = np.empty_like(residual)
        for rows in self._blocks():  # (pictures, rows per picture)
            hat = centred[rows] @ solved[:, rows].transpose(1, 0, 2) + 1 / len(self.x)
            inverse = np.linalg.inv(np.eye(rows.shape[1]) * (1 + LEAST) - hat)
            out[rows] = inverse @ residual[rows]
        return out

    def _blocks(self) -> list[Indices]:
        """Rows (M, r) of the M pictures that have r rows, for every r."""
        order = np.argsort(self.picture, kind="stable")
        _, starts, counts = np.unique(self.picture[order], return_index=True, return_counts=True)
        return [order[starts[counts == count][:, None] + np.arange(count)] for count in set(counts)]
