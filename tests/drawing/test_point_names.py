from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lmk.drawing.labels import draw_names, label_size

GREY = 128
BOX = np.float32([0, 0, 280, 280])


def drawn(names: list[str], xy: list, opacity: list | None = None) -> np.ndarray:
    """Where names were written, bool (H, W)."""
    image = np.full((300, 400, 3), GREY, np.uint8)
    seen = np.float32([1] * len(names) if opacity is None else opacity)
    draw_names(image, names, np.float32(xy), seen, BOX, 14)
    return (image != GREY).any(-1)


def test_a_name_stands_right_of_its_point() -> None:
    rows, columns = np.nonzero(drawn(["left_pupil"], [[150, 100]]))
    assert 150 < columns.min() < 165
    assert abs(rows.mean() - 100) < 3


def test_a_name_hides_no_other_point() -> None:
    """The second point lies right of the first, whose name then stands left of it."""
    rows, columns = np.nonzero(drawn(["left_mouth", ""], [[150, 100], [180, 102]]))
    assert columns.max() < 150
    assert abs(rows.mean() - 100) < 3


@pytest.mark.parametrize(("aside", "direction"), [(-5, 1), (5, -1)])
def test_a_name_with_others_in_its_way_goes_to_the_left_below_or_above(
    aside: int, direction: int
) -> None:
    """The first names stand right and left of the middle; what is there twice is left out."""
    places = [[206, 150 + aside], [194, 150 + aside], [200, 150], [200, 150]]
    written = [drawn(["ab", "ab", "abcdef", "abcdef"][:n], places[:n]) for n in range(5)]
    right, left, third = (
        np.argwhere(new & ~old).mean(0) - [150, 200] for old, new in pairwise(written[:4])
    )
    assert right[1] > 8
    assert left[1] < -8
    assert abs(third[1]) < 3
    assert direction * third[0] > 8
    assert (written[4] == written[3]).all()


@pytest.mark.parametrize("place", [[3e9, 4], [-2e4, 5], [np.inf, 0]])
def test_what_is_not_drawn_has_no_name(place: list) -> None:
    assert not drawn(["a"], [place]).any()
    assert not drawn(["a"], [[100, 100]], [0]).any()


def test_letters_grow_with_the_object_within_limits() -> None:
    sizes = [label_size(np.float32([0, 0, side, 5]), 25) for side in (20, 140, 210, 2000)]
    assert sizes == [9, 10, 15, 25]
