from __future__ import annotations

import pytest

from lmk.naming.skeleton import parse_skeleton
from lmk.system.errors import UsageError

NAMES = ["left_eye", "nose", "chin-tip", "chin", "tip-nose"]


def test_pairs_are_numbers_of_points() -> None:
    assert parse_skeleton("left_eye-nose, nose-chin", NAMES) == ((0, 1), (1, 3))
    assert parse_skeleton("", NAMES) == ()


def test_names_may_have_hyphens() -> None:
    assert parse_skeleton("chin-tip-left_eye,nose-chin-tip", NAMES) == ((2, 0), (1, 2))


@pytest.mark.parametrize("text", ["left_eye", "left_eye-ear", "nose-nose", "chin-tip-nose"])
def test_other_pairs_are_refused(text: str) -> None:
    """The last one may be chin-tip and nose, or chin and tip-nose."""
    with pytest.raises(UsageError, match=f"--skeleton {text}: expected two different points"):
        parse_skeleton(text, NAMES)
