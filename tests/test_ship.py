"""`tools/ship.py`: a run becomes a shipped model, its core before it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictures import write_pictures
from random_models import make_core, save_model

from lmk.model import folder
from lmk.model.folder import Model, find_model
from lmk.model.framing import Framing
from lmk.networks.state import arrays_of, state_of

TOOLS = Path(__file__).parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

import ship  # noqa: E402


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped models, still empty, in place of the checkout's."""
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setattr(ship, "MODELS", models)
    monkeypatch.setattr(folder, "SHIPPED", models)
    return models


@pytest.fixture
def run(adapter_model: Model, tmp_path: Path) -> Path:
    """A copy of an adapter's run, of its own to change."""
    copy = tmp_path / "run"
    copy.mkdir()
    for file in ("manifest.json", "adapter.safetensors"):
        (copy / file).write_bytes((adapter_model.folder / file).read_bytes())
    (copy / "checkpoint.pt").touch()
    return copy


def rewrite(run: Path, **changes) -> None:
    replace(find_model(str(run)).manifest, **changes).write(run)


def adapt_to(core: Model, run: Path) -> None:
    """Let the run's core be one that lies elsewhere."""
    reference = find_model(str(run)).manifest.core
    rewrite(run, core=replace(reference, model=str(core.folder)))


def test_a_core_and_then_its_adapter_are_shipped(
    core_model: Model, adapter_model: Model, run: Path, shipped: Path
) -> None:
    ship.ship(core_model.folder, "body", None, None)
    adapt_to(find_model("body"), run)
    ship.ship(run, "mugs", None, None)

    assert [model.manifest.name for model in folder.list_models()] == ["body", "mugs"]
    files = {path.name for path in (shipped / "mugs").iterdir()}
    assert files == {"manifest.json", "adapter.safetensors"}
    written = json.loads((shipped / "mugs/manifest.json").read_text())
    assert written["core"] == {"model": "body", "sha256": core_model.manifest.weights_sha256}
    assert written["name"] == "mugs"
    expected, actual = adapter_model.folded(), find_model("mugs").folded()
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value)


def test_an_adapter_whose_core_is_not_shipped_is_refused(
    core_model: Model, run: Path, shipped: Path
) -> None:
    other = save_model(shipped / "other", "other", arrays_of(state_of(make_core(seed=5))), 14)
    with pytest.raises(SystemExit, match=f"ship the core first: {core_model.folder} is not in"):
        ship.ship(run, "mugs", None, None)
    assert [path.name for path in shipped.iterdir()] == [other.folder.name]


def test_the_finders_box_is_measured_on_crops(
    core_model: Model, run: Path, shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = ship.open_finder("box:50,60,32,24")
    monkeypatch.setattr(ship, "open_finder", lambda _: box)
    ship.ship(core_model.folder, "body", None, None)
    adapt_to(find_model("body"), run)
    write_pictures(tmp_path / "crops", 3, (70, 50))
    with pytest.raises(SystemExit, match="mugs has no framing"):
        ship.ship(run, "mugs", "cascade:cat", tmp_path / "crops")
    assert not (shipped / "mugs").exists()

    framing = Framing(tuple((8.0 * k, 5.0 + k) for k in range(7)), spread_px=3.0, score=0.4)
    rewrite(run, framing=framing)
    ship.ship(run, "mugs", "cascade:cat", tmp_path / "crops")
    # Crops of 160 px with a border of 40: the box begins at (10, 20) of the crop.
    measured = (0.062, 0.125, 0.2, 0.15)
    found = find_model("mugs").manifest.framing
    assert found == replace(framing, finder="cascade:cat", finder_box=measured)
