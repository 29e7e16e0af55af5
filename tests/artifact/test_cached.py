from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from colour_detector import save_detector

from lmk.artifact.cached import cached_onnx
from lmk.system.errors import WeightsError


def test_a_model_is_folded_once_and_again_when_it_changes_or_its_file_is_damaged(
    small_core, student_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.onnx").touch()
    made = cached_onnx(str(small_core.folder))
    assert made.parent == tmp_path / "cache" / "onnx"
    whole, built = made.read_bytes(), made.stat().st_ino
    assert cached_onnx(str(small_core.folder)) == made
    assert made.stat().st_ino == built
    assert cached_onnx(str(made)) == made
    assert cached_onnx(str(student_model.folder)) != made
    flipped = whole[:-900] + bytes([whole[-900] ^ 4]) + whole[-899:]
    for damaged in (flipped, whole[:1000], b""):
        made.write_bytes(damaged)
        assert cached_onnx(str(small_core.folder)).read_bytes() == whole
    assert (tmp_path / "mine.onnx").exists()


def test_an_exported_file_that_never_ends_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "zero.onnx").symlink_to("/dev/zero")
    (tmp_path / "a.xml").write_text("<net/>")
    os.mkfifo(tmp_path / "a.bin")
    for name in ("pipe.onnx", "zero.onnx", "a.xml"):
        with pytest.raises(WeightsError, match="a device or a pipe"):
            cached_onnx(str(tmp_path / name))


@pytest.mark.parametrize("where", ["weight", "constant in a branch"])
def test_weights_in_other_files_are_refused(tmp_path: Path, where: str) -> None:
    """No hash covers them, and they could be any file of the folder."""
    proto = onnx.load(str(save_detector(tmp_path / "a.onnx")))
    assert cached_onnx(str(tmp_path / "a.onnx")) == tmp_path / "a.onnx"
    tensor = proto.graph.initializer[0]
    if where != "weight":
        inner = onnx.helper.make_graph(
            [onnx.helper.make_node("Constant", [], ["c"], value=tensor)], "branch", [], []
        )
        node = onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
        proto.graph.node.append(node)
        tensor = proto.graph.node[-1].attribute[0].g.node[0].attribute[0].t
    tensor.external_data.add(key="location", value="secret.bin")
    (tmp_path / "b.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(WeightsError, match=r"b\.onnx has weights in other files"):
        cached_onnx(str(tmp_path / "b.onnx"))
    onnx.helper.set_model_props(proto, {"name": "location"})
    tensor.ClearField("external_data")
    (tmp_path / "c.onnx").write_bytes(proto.SerializeToString())
    assert cached_onnx(str(tmp_path / "c.onnx")) == tmp_path / "c.onnx"


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
