"""Structs as MATLAB nests them, for scipy to write."""

from __future__ import annotations

import numpy as np


def struct_array(rows: list[dict]) -> np.ndarray:
    """Make a 1 x N struct array of dicts with the same keys."""
    fields = [(key, object) for key in rows[0]]
    array = np.empty((1, len(rows)), dtype=fields)
    for index, row in enumerate(rows):
        for key, value in row.items():
            array[0, index][key] = value
    return array
