"""`lmk adapter`: an adapter packed, shown, verified, and damaged on its way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from random_models import make_core, save_model

from lmk.cli import main
from lmk.networks.state import arrays_of, state_of


@pytest.fixture
def lmk(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Call the command line; gives exit code, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lmk", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capfd.readouterr())

    return call


def packed(lmk, model: object, path: Path) -> Path:
    code, out, err = lmk("adapter", "pack", model, "-o", path)
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}  {path.stat().st_size / 1e6:.2f} MB, manifest ")
    return path


def one_error(answer: tuple[int, str, str]) -> str:
    """The message of a call that failed with one line and nothing else."""
    code, out, err = answer
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    return line


def test_what_was_packed_is_shown(lmk, adapter_model, core_model, tmp_path: Path) -> None:
    path = tmp_path / "small.adapter"
    _, told, _ = lmk("adapter", "pack", adapter_model.folder, "-o", path)
    of_run = json.loads((adapter_model.folder / "manifest.json").read_text())
    of_core = json.loads((core_model.folder / "manifest.json").read_text())

    code, shown, _ = lmk("adapter", "show", path)
    assert code == 0
    rows = {line[:10].strip(): line[10:] for line in shown.splitlines()}
    assert (rows["name"], rows["landmarks"]) == ("adapter", "7")
    assert rows["core"] == f"core {of_core['weights_sha256']}"
    assert rows["weights"] == of_run["weights_sha256"]
    assert told.split()[-1] == rows["manifest"]
    assert rows["size"] == f"{path.stat().st_size / 1e6:.2f} MB"
    assert rows["signature"] == "none"
    assert rows["license"] == "research use only"

    core = {"model": "core", "sha256": of_core["weights_sha256"]}  # without the path of a machine
    _, text, _ = lmk("adapter", "show", path, "--json")
    assert json.loads(text) == {**of_run, "weights_file": "small.adapter", "core": core}


def test_a_shipped_adapter_is_verified_against_its_shipped_core(lmk, tmp_path: Path) -> None:
    path = packed(lmk, "faces", tmp_path / "mugs.adapter")
    told = f"{path}: manifest and weights are intact, folds into core-pose\nnot signed\n"
    assert lmk("adapter", "verify", path) == (0, told, "")


def test_the_core_given_must_be_the_adapters(
    lmk, adapter_model, core_model, tmp_path: Path
) -> None:
    path = packed(lmk, adapter_model.folder, tmp_path / "small.adapter")
    code, told, _ = lmk("adapter", "verify", path, "--core", core_model.folder)
    intact = f"{path}: manifest and weights are intact, folds into core\nnot signed\n"
    assert (code, told) == (0, intact)

    needed = (
        f"adapter needs the core core with content hash {core_model.manifest.weights_sha256:.12}"
    )
    message = one_error(lmk("adapter", "verify", path))
    assert needed in message
    assert "core-pose (" in message, "the cores that are here"
    other = save_model(tmp_path / "other", "other", arrays_of(state_of(make_core(seed=5))), 14)
    message = one_error(lmk("adapter", "verify", path, "--core", other.folder))
    assert needed in message
    assert f"other ({other.manifest.weights_sha256:.12})" in message


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (b"softargmax_beta", "the manifest of {} was changed after it was packed"),
        (b"", "{} does not match its manifest (different content hash)"),
    ],
    ids=["manifest", "weights"],
)
def test_one_changed_bit_is_found(
    lmk, adapter_model, core_model, tmp_path: Path, where: bytes, message: str
) -> None:
    path = packed(lmk, adapter_model.folder, tmp_path / "small.adapter")
    content = bytearray(path.read_bytes())
    content[content.index(where) if where else -1] ^= 1
    path.write_bytes(content)
    found = one_error(lmk("adapter", "verify", path, "--core", core_model.folder))
    assert message.format(path) in found
