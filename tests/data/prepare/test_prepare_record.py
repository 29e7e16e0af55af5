from __future__ import annotations

import numpy as np
import pytest

from lmk.data.prepare.record import Square, centred_square, loose_square


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        # 40 x 25 px round (50, 102.5): side 104, from 50.5 - 52 and 103 - 52 on
        (2.6, Square(-2, 51, 104)),
        # side 61, from 50.5 - 30.5 and 103 - 30.5 = 72.5 on, rounded to even
        (1.525, Square(20, 72, 61)),
    ],
)
def test_a_loose_square_is_a_multiple_of_the_longer_side(factor: float, expected: Square) -> None:
    xy_image = np.array([[30, 90], [70, 100], [41, 115]], np.float32)
    assert loose_square(xy_image, factor) == expected
    assert loose_square(xy_image[:, ::-1], factor)[::-1][1:] == expected[:2]


def test_a_square_holds_whole_pixels_round_its_centre() -> None:
    """Round the centre of pixel 10 a square of 5 px holds the pixels 8 to 12."""
    assert centred_square(np.array([10, 20], np.float32), 5.2) == Square(8, 18, 5)
    assert centred_square(np.array([9.5, 19.5], np.float32), 4) == Square(8, 18, 4)


def test_a_single_point_gives_a_square_that_is_refused_later() -> None:
    assert loose_square(np.array([[7, 9]], np.float32), 2.6).side == 1
