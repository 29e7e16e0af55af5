from __future__ import annotations

import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from named_models import NAMES, SKELETON, named_folder, random_map

from lmk.model import bundle
from lmk.model.folder import Model, find_model
from lmk.model.framing import Framing
from lmk.model.manifest import read_manifest
from lmk.model.named_folder import write_named
from lmk.model.points import NamedPoints
from lmk.system.errors import WeightsError


def same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_named_folder_has_the_network_of_its_model_and_the_map(
    small_core: Model, tmp_path: Path
) -> None:
    base_folder = shutil.copytree(small_core.folder, tmp_path / "base")
    framing = Framing(tuple((float(k), 2.0 * k) for k in range(14)), 3.0, 0.5)
    more = {"framing": framing, "mirrored": list(range(14)), "license": "MIT"}
    more |= {"training": {"steps": 3}, "figures": {"NME": 7.5}}
    replace(small_core.manifest, **more).write(base_folder)
    base = find_model(str(base_folder))
    found = find_model(str(named_folder(base, tmp_path / "feet")))
    assert found.points == NamedPoints(NAMES, SKELETON)
    same(found.arrays(), base.arrays())
    same(found.point_map().arrays(), random_map(14, 3).arrays())
    changed = {"name", "points", "weights_sha256", "training"}
    for field in fields(base.manifest):
        kept = getattr(found.manifest, field.name) == getattr(base.manifest, field.name)
        assert kept is (field.name not in changed), field.name
    assert found.manifest.name == "feet"
    assert found.manifest.training == {"steps": 3, "points": {"pictures": 10}}


def test_a_named_adapter_stays_one_of_the_same_core(
    adapter_model: Model, core_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when its core was named by a path relative to the folder of work."""
    copy = shutil.copytree(adapter_model.folder, tmp_path / "adapter")
    monkeypatch.chdir(core_model.folder.parent)
    core = replace(adapter_model.manifest.core, model=core_model.folder.name)
    replace(adapter_model.manifest, core=core).write(copy)
    folder = named_folder(find_model(str(copy)), tmp_path / "feet")
    monkeypatch.chdir(tmp_path)
    found = find_model(str(folder))
    assert found.manifest.kind == "adapter"
    assert found.core().manifest.weights_sha256 == core_model.manifest.weights_sha256
    same(found.folded(), adapter_model.folded())


def test_an_adapter_file_becomes_a_named_folder(
    adapter_model: Model, core_model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "small.adapter"
    bundle.pack(adapter_model.manifest, adapter_model.stored(), core_model.manifest, path)
    packed = replace(find_model(str(path)), given_core=core_model)
    found = find_model(str(named_folder(packed, tmp_path / "feet")))
    assert found.manifest.weights_file == "adapter.safetensors"
    same(found.folded(), adapter_model.folded())
    with pytest.raises(WeightsError, match="needs the core core with content hash"):
        named_folder(find_model(str(path)), tmp_path / "lost")
    assert not (tmp_path / "lost").exists()


def test_naming_a_named_model_replaces_its_points(small_core: Model, tmp_path: Path) -> None:
    first = find_model(str(named_folder(small_core, tmp_path / "first")))
    other = random_map(14, 2, seed=5)
    second = write_named(first, NamedPoints(("a", "b")), other, first.folder, "second", {})
    assert second.manifest == read_manifest(first.folder)
    assert second.points == NamedPoints(("a", "b"))
    same(second.point_map().arrays(), other.arrays())
    same(second.arrays(), small_core.arrays())


def test_new_names_alone_are_another_exported_file(small_core: Model, tmp_path: Path) -> None:
    models = [
        find_model(str(named_folder(small_core, tmp_path / f"feet{k}", names, skeleton)))
        for k, (names, skeleton) in enumerate([("abc", [(0, 1)]), ("abd", [(0, 1)]), ("abc", [])])
    ]
    assert len({model.manifest.weights_sha256 for model in models}) == 1
    assert len({model.exported_sha256 for model in models}) == 3


@pytest.mark.parametrize("case", ["landmarks", "points", "nan"])
def test_a_map_that_does_not_fit_is_refused(small_core: Model, tmp_path: Path, case: str) -> None:
    point_map = random_map(13 if case == "landmarks" else 14, 4 if case == "points" else 3)
    if case == "nan":
        point_map.turned[3, 1] = np.nan
    with pytest.raises(WeightsError, match="NaN" if case == "nan" else "do not match its manifest"):
        named_folder(small_core, tmp_path / "feet", point_map=point_map)
    assert not (tmp_path / "feet" / "manifest.json").exists()


def test_points_of_a_manifest_need_their_tensors(small_core: Model, tmp_path: Path) -> None:
    """A folder whose manifest names more points than its weights have, or none."""
    folder = named_folder(small_core, tmp_path / "feet")
    manifest = read_manifest(folder)
    for points in (NamedPoints(("a", "b")), None):
        replace(manifest, points=points).write(folder)
        with pytest.raises(WeightsError, match="points of the model do not match its manifest"):
            find_model(str(folder)).point_map()
