"""What a card says of a model's named points."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmk.model.points import NamedPoints


def point_rows(points: NamedPoints) -> dict[str, list[str]]:
    """The names and the skeleton of points; nothing of none."""
    rows = {"points": list(points.names), "skeleton": points.bones}
    return {name: words for name, words in rows.items() if words}
