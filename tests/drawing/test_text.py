from __future__ import annotations

import numpy as np
import pytest

from lmk.drawing.text import PLATE_OPACITY, RIM_BGR, label, paste, plate


def grey(level: int) -> np.ndarray:
    return np.full((60, 200, 3), level, np.uint8)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_label_can_be_read_on_any_ground(level: int) -> None:
    image = grey(level)
    paste(image, label("HHHH", 24), 20, 10)
    contrast = int(image.max()) - int(image.min())
    assert contrast > 180
    # Each stroke of light has dark beside it, whatever the ground.
    row = image[26, :, 0].astype(int)
    light = np.nonzero(row > 220)[0]
    stroke = light[(light > 20) & (light < 100)]
    if level < 255:
        assert stroke.size > 8
        for x in stroke:
            assert row[max(x - 8, 0) : x + 9].min() <= max(RIM_BGR[0] + 8, level)


def test_a_stamp_is_a_mix_of_what_was_there_and_its_colours() -> None:
    stamp = label("o", 30, (10, 200, 90))
    image = grey(77)
    paste(image, stamp, 50, 5)
    width, height = stamp.size_wh
    expected = 77 * stamp.keep + stamp.add
    np.testing.assert_allclose(image[5 : 5 + height, 50 : 50 + width], expected, atol=1)
    outside = image.copy()
    outside[5 : 5 + height, 50 : 50 + width] = 77
    assert (outside == 77).all()
    assert (image == (10, 200, 90)).all(-1).any()  # the ink's own colour, in full


@pytest.mark.parametrize("place", [(-12, -9), (195, 50), (-500, 0), (0, 300), (100_000, -100_000)])
def test_what_lies_outside_is_left_out(place: tuple[int, int]) -> None:
    stamp, large, image = label("text", 24), np.zeros((400, 600, 3), np.uint8), grey(0)
    paste(image, stamp, *place)
    if abs(place[0]) < 200 and abs(place[1]) < 200:
        paste(large, stamp, place[0] + 200, place[1] + 200)
        assert (image == large[200:260, 200:400]).all()
    else:
        assert (image == 0).all()


def test_a_plate_darkens_its_ground_and_aligns_both_columns() -> None:
    rows = (("a", "1.0 ms"), ("a longer name", "10.0 ms"))
    for right in (True, False):
        stamp = plate(rows, 20, right)
        width, height = stamp.size_wh
        image = np.full((height, width, 3), 255, np.uint8)
        paste(image, stamp, 0, 0)
        ink = stamp.add[..., 0] > 200
        halves = ink[: height // 2], ink[height // 2 :]
        lefts = [np.nonzero(half.any(0))[0].min() for half in halves]
        rights = [np.nonzero(half.any(0))[0].max() for half in halves]
        assert abs(lefts[0] - lefts[1]) <= 2
        assert bool(abs(rights[0] - rights[1]) <= 2) is right
        ground = image[height // 2, 3, 0]  # between edge and letters
        assert ground == pytest.approx(255 * (1 - PLATE_OPACITY) + 24 * PLATE_OPACITY, abs=3)


def test_a_heading_runs_over_both_columns() -> None:
    narrow, wide = (plate((("a", "b"), (text, "")), 20).size_wh[0] for text in ("x", "x" * 40))
    assert wide > 5 * narrow
