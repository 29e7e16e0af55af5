"""The table of rooms (subpackages) in CONTRIBUTING.md says which of them may use which."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lmk"
OUTSIDE = {"lmk/__init__.py", "lmk/__main__.py"}  # which import from every room


def rooms() -> list[str]:
    """Rooms and modules beside them, from the lowest to the highest."""
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## How the package is laid out")[2]
    return [
        room.removesuffix(".py")
        for row in re.findall(r"^\| (`lmk/.*?) \|", table, re.MULTILINE)
        for room in re.findall(r"`lmk/([\w.]+)`", row)
    ]


def imported(file: Path) -> Iterator[str]:
    """Full names of all that a file imports from lmk, at its top or within functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def used_by(room: str) -> set[str]:
    place = PACKAGE / room
    files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    names = {name for file in files for name in imported(file) if name.split(".")[0] == "lmk"}
    return {[*name.split("."), "__init__"][1] for name in names} - {room}


def test_every_module_and_folder_is_in_the_table() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py") if f"lmk/{path.name}" not in OUTSIDE}
    assert sorted(rooms()) == sorted(folders | modules)


def test_rooms_use_only_those_above_them_in_the_table() -> None:
    order = rooms()
    wrong = {
        (room, other)
        for place, room in enumerate(order)
        for other in used_by(room)
        if other not in order[:place]
    }
    assert not wrong
