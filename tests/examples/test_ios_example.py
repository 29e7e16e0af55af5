"""The example for iOS, which is not compiled, has the constants of the Python runtime."""

from __future__ import annotations

import ports


def test_constants_are_those_of_python() -> None:
    ports.check_constants((ports.EXAMPLES / "ios/Landmarks/Constants.swift").read_text())


def test_the_readme_names_every_file_to_add() -> None:
    said = (ports.EXAMPLES / "ios" / "README.md").read_text()
    for file in (ports.EXAMPLES / "ios" / "Landmarks").glob("*.swift"):
        assert f"`{file.stem}`" in said
