from __future__ import annotations

import numpy as np
import pytest

from lmk.data.coco import KeypointSet
from lmk.system.errors import DataError

PARTS = ["eye", "ear", "brow", "lip", "leg", "rim", "lid_corner", "eye_2"]
SIDED = [  # the left and the right name of a part, as files write them
    "{0}_{1}",
    "{1}_{0}",
    "{1}-{0}",
    "{1} {0}",
    "{0}.{1}",
]
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


def drawn_names(rng: np.random.Generator) -> tuple[list[str], dict[str, str]]:
    """Names of points in any order, and the partner of each."""
    partner = {
        name: name for name in rng.choice(SINGLE, rng.integers(0, 5), replace=False).tolist()
    }
    for part in rng.choice(PARTS, rng.integers(1, 6), replace=False).tolist():
        pattern, sides = SIDED[rng.integers(len(SIDED))], SIDES[rng.integers(len(SIDES))]
        left, right = (pattern.format(side, part) for side in sides)
        partner |= {left: right, right: left}
    return rng.permutation(list(partner)).tolist(), partner


@pytest.mark.parametrize("seed", range(200))
def test_mirroring_twice_leaves_every_point_where_it_was(seed: int) -> None:
    names, partner = drawn_names(np.random.default_rng(seed))
    order = points_named(names).mirrored_order()
    assert [names[i] for i in order] == [partner[name] for name in names]
    assert [order[i] for i in order] == list(range(len(names)))


@pytest.mark.parametrize("seed", range(20))
def test_a_name_whose_partner_is_missing_is_named(seed: int) -> None:
    names, partner = drawn_names(np.random.default_rng(seed))
    lost = next(name for name in names if partner[name] != name)
    with pytest.raises(DataError, match="partner") as caught:
        points_named([name for name in names if name != lost]).mirrored_order()
    assert lost in str(caught.value)


@pytest.mark.parametrize("pair", [("lefteye", "righteye"), ("leye", "reye"), ("LShoe", "RShoe")])
def test_names_that_begin_with_a_side_are_partners(pair: tuple[str, str]) -> None:
    assert points_named(["nose", *pair]).mirrored_order() == [0, 2, 1]
