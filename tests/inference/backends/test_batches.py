from __future__ import annotations

import numpy as np
import pytest

from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.batches import in_batches
from lmk.system.errors import WeightsError

IMAGES = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((7, 4, 4, 3), np.uint8)


def by_level(images: np.ndarray) -> Inferred:
    levels = images[:, 0, 0, 0].astype(np.float32)
    places = np.stack([levels, -levels], 1)[:, None]
    return Inferred(places, levels[:, None] / 10, places[:, [0, 0]] + 1)


@pytest.mark.parametrize(("smallest", "largest"), [(1, None), (1, 3), (4, 4), (8, 8), (2, 5)])
def test_batches_of_any_size_give_a_row_per_picture(smallest: int, largest: int | None) -> None:
    sizes = []

    def run(images: np.ndarray) -> Inferred:
        sizes.append(len(images))
        return by_level(images)

    xy, scores, points = in_batches(run, IMAGES, smallest, largest)
    np.testing.assert_array_equal(xy[:, 0], np.stack([np.arange(7), -np.arange(7)], 1))
    np.testing.assert_allclose(scores[:, 0], np.arange(7) / 10)
    np.testing.assert_array_equal(points, xy[:, [0, 0]] + 1)
    assert all(smallest <= size <= (largest or 7) for size in sizes)


@pytest.mark.parametrize("shapes", [((1, 3, 2), (1, 3)), ((7, 3, 2), (1, 3)), ((7, 3), (7, 3))])
def test_a_model_that_returns_other_rows_is_refused(shapes) -> None:
    found = inferred(*(np.ones(shape, np.float32) for shape in shapes))
    with pytest.raises(WeightsError, match=r"for 7 pictures, expected \(B, K, 2\)"):
        in_batches(lambda _: found, IMAGES, 1, None)
