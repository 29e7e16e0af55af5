"""The README's table of rooms is the order in which they may use one another."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
MUTUAL = {("runtime", "export")}  # the README says why


def rooms() -> list[str]:
    table = (ROOT / "README.md").read_text().partition("## How the package is laid out")[2]
    return [
        room
        for row in re.findall(r"^\| (`lmk/.*?) \|", table, re.MULTILINE)
        for room in re.findall(r"`lmk/(\w+)`", row)
    ]


def used_by(room: str) -> set[str]:
    """Rooms that one imports from, at the top of files or within functions."""
    found = set()
    for file in (ROOT / "lmk" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lmk."):
                found.add(str(node.module).split(".")[1])
    return found


def test_every_folder_is_a_room_of_the_table() -> None:
    folders = {path.parent.name for path in (ROOT / "lmk").glob("*/__init__.py")}
    assert set(rooms()) == folders


def test_rooms_use_only_those_above_them() -> None:
    order = rooms()
    wrong = {
        (room, other)
        for place, room in enumerate(order)
        for other in used_by(room) & set(order[place + 1 :])
    }
    assert wrong == MUTUAL
