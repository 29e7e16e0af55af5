from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lmk.artifact import cached
from lmk.artifact.cached import cached_onnx


def test_the_last_used_files_are_kept(
    core_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    monkeypatch.setattr(cached, "KEPT", 3)
    for age, name in enumerate(["newest", "new", "used", "old", "oldest"]):
        file = tmp_path / f"{name}.onnx"
        file.touch()
        os.utime(file, (1e9 - age, 1e9 - age))
    (tmp_path / "landmarks").mkdir()
    monkeypatch.setattr(cached, "find_model", lambda _: core_model)
    made = cached_onnx("core")
    assert {file.name for file in tmp_path.glob("*.onnx")} == {made.name, "newest.onnx", "new.onnx"}
    assert (tmp_path / "landmarks").is_dir()

    for file in tmp_path.glob("new*.onnx"):
        os.utime(file)
    os.utime(made, (1e9 - 9, 1e9 - 9))
    assert cached_onnx("core") == made  # used again: now the newest
    renamed = replace(core_model, manifest=replace(core_model.manifest, softargmax_beta=5.5))
    monkeypatch.setattr(cached, "find_model", lambda _: renamed)
    other = cached_onnx("core")
    assert {made, other} <= set(tmp_path.glob("*.onnx"))
    assert len(list(tmp_path.glob("*.onnx"))) == 3


@pytest.mark.parametrize("command", ["fold core-pose faces -o out", "export core-pose -o out"])
def test_without_onnx_the_remedy_is_named(command: str, tmp_path: Path) -> None:
    code = "import sys; sys.modules['onnx'] = None; from lmk.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 4, done.stderr
    assert "onnx is not installed: run" in done.stderr
    assert "Traceback" not in done.stderr
