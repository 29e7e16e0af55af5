"""`lmk models`: what is shipped, as its manifests say."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lmk.cli import app
from lmk.model.folder import SHIPPED
from lmk.system.errors import WeightsError

FACES = SHIPPED / "faces"


def models(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["models", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_has_a_row_of_each_model() -> None:
    header, *rows = [re.split(r"\s{2,}", line.strip()) for line in models("list").splitlines()]
    assert header == ["model", "kind", "landmarks", "core", "size", "figures"]
    listed = {row[0]: row[1:] for row in rows}
    manifests = {path.parent: json.loads(path.read_text()) for path in SHIPPED.glob("*/*.json")}
    assert listed.keys() == {folder.name for folder in manifests}
    for folder, manifest in manifests.items():
        size = (folder / manifest["weights_file"]).stat().st_size
        core = [manifest["core"]["model"]] if manifest["core"] else []
        figures = ", ".join(f"{name} {value}" for name, value in manifest["figures"].items())
        words = [manifest["kind"], str(manifest["num_landmarks"]), *core]
        assert listed[folder.name] == [*words, f"{size / 1e6:.1f} MB", figures]


def test_show_prints_the_card_and_the_hash_it_checked() -> None:
    shown = models("show", "faces")
    manifest = json.loads((FACES / "manifest.json").read_text())
    assert shown.startswith((FACES / "card.md").read_text().rstrip())
    weights, folder = shown.splitlines()[-2:]
    assert weights == f"weights {manifest['weights_sha256']}  verified"
    assert folder == f"folder  {FACES}"


def test_show_as_json_is_the_manifest() -> None:
    shown = json.loads(models("show", "faces", "--json"))
    assert shown == json.loads((FACES / "manifest.json").read_text())
    assert (shown["name"], shown["num_landmarks"]) == ("faces", 10)


def test_show_verifies_nothing_of_a_changed_copy(tmp_path: Path) -> None:
    copy = shutil.copytree(FACES, tmp_path / "faces")
    assert f"folder  {copy}" in models("show", copy)
    weights = copy / "adapter.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    result = CliRunner().invoke(app, ["models", "show", str(copy)])
    assert "verified" not in result.stdout
    with pytest.raises(WeightsError, match="different content hash"):
        raise result.exception
