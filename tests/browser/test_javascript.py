"""The page's code is linted, its types hold, and its own tests pass."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from sites import PACKAGES, needs_packages
from test_same_as_python import NODE, needs_node

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SITE = ROOT / "lmk" / "browser" / "site"


def run(*command: str) -> str:
    done = subprocess.run(
        [str(NODE), *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_node
def test_the_tests_of_the_library_pass() -> None:
    assert int(re.search(r"pass (\d+)", run("--test", str(HERE)))[1]) > 10  # type: ignore[index]


@needs_packages
@needs_node
@pytest.mark.parametrize(
    "command",
    [
        ("eslint/bin/eslint.js", "--config", "tests/browser/eslint.config.js", "lmk", str(HERE)),
        ("typescript/bin/tsc", "--project", str(HERE)),
    ],
)
def test_the_code_is_linted_and_its_types_hold(command: tuple[str, ...]) -> None:
    program, *arguments = command
    run(str(PACKAGES / program), *arguments)


def test_the_types_declare_what_the_library_exports() -> None:
    exported = set(re.findall(r"export \{ (\w+) \}", (SITE / "lmk.js").read_text()))
    types = (SITE / "lmk.d.ts").read_text()
    assert set(re.findall(r"export class (\w+)", types)) == exported
    declared = types[types.index("export class Landmarker") : types.index("export class Tracker")]
    members = set(re.findall(r"^  (?:static |readonly )?(\w+)[(:]", declared, re.MULTILINE))
    code = (SITE / "lmk" / "landmarker.js").read_text()
    for name in members:
        assert re.search(rf"(\bget {name}\(|async {name}\(|  {name}\(|this\.{name} = )", code), name


def test_no_code_is_inline_or_made_of_text() -> None:
    page = (SITE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", page)
    for script in SITE.rglob("*.js"):
        assert not re.search(
            r"\beval\(|new Function|innerHTML|document\.write|\.cssText", script.read_text()
        )
