"""Skeletons: which points are joined by lines when they are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from lmk.system.errors import UsageError

Pairs = tuple[tuple[int, int], ...]


def parse_skeleton(text: str, names: Sequence[str]) -> Pairs:
    """Read joined points, as "left_pupil-nose_tip,nose_tip-chin", as pairs of numbers.

    Names may have hyphens themselves. Raises UsageError for points that are not in `names`.
    """
    return tuple(_pair(part.strip(), names) for part in text.split(",") if part.strip())


def _pair(text: str, names: Sequence[str]) -> tuple[int, int]:
    ends = [(text[:i], text[i + 1 :]) for i, sign in enumerate(text) if sign == "-"]
    known = [(a, b) for a, b in ends if a in names and b in names and a != b]
    if len(known) != 1:
        raise UsageError(
            f"--skeleton {text}: expected two different points with a hyphen between them, such as "
            f"{names[0]}-{names[-1]}; the points are {', '.join(names)}"
        )
    ((first, second),) = known
    return names.index(first), names.index(second)
