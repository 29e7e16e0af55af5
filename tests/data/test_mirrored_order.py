from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmk.data.coco import KeypointSet
from lmk.system.errors import DataError

PARTS = ["eye", "ear", "brow", "lip", "leg", "rim", "lid_corner", "eye_2"]
PATTERNS = ["{0}_{1}", "{1}_{0}", "{1}-{0}", "{1} {0}", "{0}.{1}"]  # of a side and a part
SINGLE = ["nose", "chin", "tail", "neck", "upper_lip", "lrx", "brightness", "middle"]
SIDES = [("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"), ("l", "r"), ("L", "R")]


def points_named(names: list[str]) -> KeypointSet:
    shape = (1, len(names))
    return KeypointSet(
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((*shape, 2), np.float32),
        np.ones(shape, bool),
        names,
    )


@st.composite
def named_points(draw: st.DrawFn) -> tuple[list[str], dict[str, str]]:
    """Names of points in any order, and the partner of each."""
    partner = {name: name for name in draw(st.lists(st.sampled_from(SINGLE), unique=True))}
    for part in draw(st.lists(st.sampled_from(PARTS), min_size=1, unique=True)):
        pattern, sides = draw(st.sampled_from(PATTERNS)), draw(st.sampled_from(SIDES))
        left, right = (pattern.format(side, part) for side in sides)
        partner |= {left: right, right: left}
    return draw(st.permutations(list(partner))), partner


@given(named_points())
def test_mirroring_twice_leaves_every_point_where_it_was(points) -> None:
    names, partner = points
    order = points_named(names).mirrored_order()
    assert [names[i] for i in order] == [partner[name] for name in names]
    assert [order[i] for i in order] == list(range(len(names)))


@given(named_points())
def test_a_name_whose_partner_is_missing_is_named(points) -> None:
    names, partner = points
    lost = next(name for name in names if partner[name] != name)
    with pytest.raises(DataError, match="partner") as caught:
        points_named([name for name in names if name != lost]).mirrored_order()
    assert lost in str(caught.value)


@given(st.lists(st.from_regex(r"\A(left|right|l|r|)(l|r|i|g|h|t|e|f|y){0,6}\Z"), unique=True))
def test_names_that_begin_like_sides_are_partners_of_each_other_or_of_none(names) -> None:
    try:
        order = points_named(names).mirrored_order()
    except DataError:
        return
    assert [order[i] for i in order] == list(range(len(names)))


@pytest.mark.parametrize("pair", [("lefteye", "righteye"), ("leye", "reye"), ("LShoe", "RShoe")])
def test_names_that_begin_with_a_side_are_partners(pair: tuple[str, str]) -> None:
    assert points_named(["nose", *pair]).mirrored_order() == [0, 2, 1]
