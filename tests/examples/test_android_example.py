"""The example for Android computes what the Python runtime computes; its app is not compiled."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import ports
import pytest
from ports import Port, run, skip_or_fail

HERE = Path(__file__).parent
CODE = ports.EXAMPLES / "android" / "app" / "src" / "main" / "kotlin" / "org" / "lmk" / "example"
COMPILER = HERE / "node_modules" / "kotlin-compiler" / "bin" / "kotlinc"
NEEDS_ANDROID = {"MainActivity", "ModelInfo", "Network", "OverlayView"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Port:
    """The code of the example that needs no Android."""
    java = shutil.which("java")
    if not java or not COMPILER.exists():
        skip_or_fail("needs Java and  npm ci --prefix tests/examples  for the Kotlin compiler")
    program = str(tmp_path_factory.mktemp("android") / "answer.jar")
    sources = [str(one) for one in CODE.glob("*.kt") if one.stem not in NEEDS_ANDROID]
    options = ("-Werror", "-include-runtime", "-d", program)
    done = run("bash", str(COMPILER), *options, str(HERE / "Answer.kt"), *sources)
    assert done.returncode == 0, done.stderr.decode()
    return Port([str(java), "-jar", program])


@pytest.mark.parametrize("check", [ports.check_fits, ports.check_filter, ports.check_tracks_of_one])
def test_code_computes_what_python_computes(port: Port, check: Callable[[Port], None]) -> None:
    check(port)


def test_crops_are_those_of_python(port: Port, tmp_path: Path) -> None:
    ports.check_crops(port, tmp_path)


def test_constants_are_those_of_python() -> None:
    ports.check_constants((CODE / "Constants.kt").read_text())


def test_only_the_named_files_need_android() -> None:
    others = [one for one in CODE.glob("*.kt") if one.stem not in NEEDS_ANDROID]
    assert {one.stem for one in others} >= {"Crop", "Follower", "Framing", "OneEuro"}
    for file in others:
        imports = [line for line in file.read_text().splitlines() if line.startswith("import ")]
        assert all(line.startswith("import kotlin.") for line in imports), file.name
