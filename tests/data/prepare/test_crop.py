from __future__ import annotations

import numpy as np
import pytest

from lmk.data.prepare.crop import cut_square, whole_square
from lmk.data.prepare.record import Square
from lmk.geometry import apply_affine
from lmk.system.errors import DataError


def gradient(width: int, height: int) -> np.ndarray:
    """A picture whose red is x and green is y."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 9)], axis=-1).astype(np.uint8)


def test_pixels_and_matrix_of_a_square_within_the_image_agree() -> None:
    """A square of 60 px becomes 40 px, so crop pixel x shows image x = left + 1.5 x + 0.25."""
    crop, to_crop = cut_square(gradient(200, 150), Square(30, 50, 60), 40, False)
    np.testing.assert_allclose(to_crop[:, :2], np.eye(2) * 40 / 60, rtol=1e-6)
    corner = apply_affine(to_crop, np.array([[30, 50], [89, 109]], np.float32))
    np.testing.assert_allclose(corner, [[-1 / 6] * 2, [39 + 1 / 6] * 2], atol=1e-4)
    x, y = 10, 25
    np.testing.assert_allclose(crop[y, x, :2], [30 + 15.25, 50 + 37.75], atol=1)


def test_beyond_the_image_its_edge_is_repeated() -> None:
    crop, to_crop = cut_square(gradient(120, 80), Square(-20, 30, 64), 64, False)
    np.testing.assert_allclose(to_crop, [[1, 0, 20], [0, 1, -30]])
    assert (crop[:50, :20, 0] == 0).all()
    assert (crop[49:, :, 1] == 79).all()
    np.testing.assert_array_equal(crop[7, 20:, 0], np.arange(44))


@pytest.mark.parametrize(("size_wh", "side"), [((136, 102), 136), ((90, 121), 121)])
def test_a_whole_image_is_padded_with_white(size_wh, side) -> None:
    """The image is in the middle, nothing of it is lost."""
    width, height = size_wh
    crop, _ = cut_square(gradient(width, height), whole_square(width, height), side, True)
    white = (crop == 255).all(axis=-1)
    assert white.sum() == side**2 - width * height
    rows, columns = np.nonzero(~white)
    assert rows.min() == (side - height) // 2
    assert columns.min() == (side - width) // 2


@pytest.mark.parametrize(
    ("square", "message"),
    [
        (Square(10, 10, 15), "15 px large"),
        (Square(500, 10, 50), "beyond the image of 120 x 80"),
        (Square(-60, 10, 50), "beyond"),
        (Square(-4000, -4000, 8000), "beyond"),
    ],
)
def test_a_square_that_shows_nothing_is_refused(square: Square, message: str) -> None:
    with pytest.raises(DataError, match=message):
        cut_square(gradient(120, 80), square, 64, False)
