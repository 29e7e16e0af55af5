from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from random_models import make_core, save_model

from lmk.model import folder
from lmk.model.fold import fold_state
from lmk.model.folder import Model, find_model, students_of
from lmk.model.manifest import MANIFEST, MEASURED_ON
from lmk.networks.state import arrays_of, state_of
from lmk.system.errors import WeightsError


def test_fold_multiplies_the_kernel_from_the_left() -> None:
    kernel = np.arange(12, dtype=np.float32).reshape(2, 3, 2, 1)
    delta = np.array([[1, 2], [0, -1]], np.float32)
    core = {"c.weight": kernel, "c.bias": np.ones(2, np.float32)}
    folded = fold_state(core, {"c.projection_delta": delta})
    np.testing.assert_array_equal(folded["c.weight"][0], 2 * kernel[0] + 2 * kernel[1])
    np.testing.assert_array_equal(folded["c.weight"][1], 0 * kernel[1])
    assert folded.keys() == core.keys()


def test_fold_refuses_an_adapter_of_another_architecture() -> None:
    core = {"c.weight": np.ones((2, 3, 1, 1), np.float32)}
    with pytest.raises(WeightsError, match=r"lacks d\.weight, e\.bias"):
        fold_state(core, {"d.projection_delta": np.eye(2), "e.bias": np.ones(2)})
    with pytest.raises(WeightsError, match="does not match a kernel"):
        fold_state(core, {"c.projection_delta": np.eye(3, dtype=np.float32)})


def test_adapter_finds_its_core_by_content(adapter_model, core_model) -> None:
    assert adapter_model.core().folder == core_model.folder.resolve()
    assert adapter_model.folded().keys() == core_model.arrays().keys()


def test_adapter_refuses_another_core(adapter_model, core_model, tmp_path) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(adapter_model.folder, folder)
    other = save_model(tmp_path / "other", "other", arrays_of(state_of(make_core(seed=5))), 14)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["core"]["model"] = str(other.folder)
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(WeightsError, match="needs the core") as caught:
        find_model(str(folder)).folded()
    assert core_model.manifest.weights_sha256[:12] in str(caught.value)


def test_figures_of_other_data_do_not_stay(core_model, tmp_path) -> None:
    folder = tmp_path / "core"
    shutil.copytree(core_model.folder, folder)
    on_cats = {"forward %": 7.2, "consistency px": 1.4, MEASURED_ON: "cats"}
    model = find_model(str(folder)).with_figures(on_cats)
    model = model.with_figures({"consistency px": 1.3, MEASURED_ON: "cats"})
    assert model.manifest.figures == {**on_cats, "consistency px": 1.3}
    model = model.with_figures({"consistency px": 0.7, MEASURED_ON: "shoes"})
    assert model.manifest.figures == {"consistency px": 0.7, MEASURED_ON: "shoes"}


def test_weights_that_were_swapped_are_refused(core_model, tmp_path) -> None:
    folder = tmp_path / "core"
    shutil.copytree(core_model.folder, folder)
    save_model(tmp_path / "other", "other", arrays_of(state_of(make_core(seed=5))), 14)
    shutil.copy(tmp_path / "other" / "weights.safetensors", folder)
    with pytest.raises(WeightsError, match="different content hash"):
        find_model(str(folder)).arrays()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1}', 100_000 * "["],
    ids=["empty", "list", "object", "version", "nothing else", "deep"],
)
def test_a_broken_manifest_is_one_clear_error(tmp_path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(WeightsError) as caught:
        find_model(str(tmp_path))
    assert MANIFEST in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("softargmax_beta", "10", 'softargmax_beta is "10", expected float'),
        ("num_landmarks", 1.5, "num_landmarks is 1.5, expected int"),
        ("host", "me", "host is unknown"),
        ("core", {"model": "a"}, "core.sha256 is missing"),
        ("framing", {"landmarks_input": [[1, 2, 3]]}, r"framing.landmarks_input\[0\]"),
    ],
)
def test_a_field_that_does_not_fit_is_named(core_model, tmp_path, name, value, words) -> None:
    content = json.loads((core_model.folder / MANIFEST).read_text()) | {name: value}
    (tmp_path / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(WeightsError, match=f"{MANIFEST} is not a model manifest: .*{words}"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("partners", [[1, 0], [*range(13), 14], [1, 2, 0, *range(3, 14)]])
def test_partners_in_a_mirrored_picture_name_each_other(core_model, tmp_path, partners) -> None:
    content = json.loads((core_model.folder / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(content | {"mirrored": partners}))
    with pytest.raises(WeightsError, match="expected pairs of 14 landmarks"):
        find_model(str(tmp_path))
    partners = [1, 0, *range(2, 14)]
    (tmp_path / MANIFEST).write_text(json.dumps(content | {"mirrored": partners}))
    assert find_model(str(tmp_path)).manifest.mirrored == partners
    del content["mirrored"]  # as an older lmk wrote it
    (tmp_path / MANIFEST).write_text(json.dumps(content))
    assert find_model(str(tmp_path)).manifest.mirrored is None


def test_an_unknown_name_is_answered_with_what_there_is(tmp_path) -> None:
    with pytest.raises(WeightsError, match="unknown model 'fases'"):
        find_model("fases")
    with pytest.raises(WeightsError, match="not a model folder"):
        find_model(str(tmp_path))


def test_students_are_found_by_the_content_of_their_teacher(
    core_model, adapter_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "SHIPPED", tmp_path)
    taught = {"teachers": [{"name": "renamed", "sha256": adapter_model.sha256}]}
    for name, training in (("quick", taught), ("other", {})):
        replace(core_model.manifest, name=name, training=training).write(tmp_path / name)
    assert [model.manifest.name for model in students_of(adapter_model)] == ["quick"]
    assert students_of(core_model) == []


def changed(model: Model, place: Path, **values: object) -> Path:
    """A copy of a model whose manifest has other values."""
    shutil.copytree(model.folder, place)
    content = json.loads((place / MANIFEST).read_text()) | values
    (place / MANIFEST).write_text(json.dumps(content))
    return place


@pytest.mark.parametrize(
    "name", ["../../x", "/tmp/x", "a/b", "..", ".", "", "a\\b", "x\n", 65 * "x"]
)
@pytest.mark.parametrize("field", ["name", "weights_file"])
def test_names_are_not_paths(small_core, tmp_path: Path, field: str, name: str) -> None:
    place = changed(small_core, tmp_path / "model", **{field: name})
    with pytest.raises(WeightsError, match=rf"manifest.json.*{field} is .*expected a name"):
        find_model(str(place))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"num_landmarks": 0}, "num_landmarks is 0"),
        ({"num_landmarks": 10**9}, "num_landmarks is 1000000000"),
        ({"weights_sha256": "0"}, "weights_sha256 .* expected a SHA-256"),
        ({"softargmax_beta": float("nan")}, "softargmax_beta"),
        ({"softargmax_beta": -1}, "softargmax_beta"),
        ({"kind": "adapter"}, "core is missing"),
        ({"architecture": "resnet"}, "no architecture 'resnet'"),
        ({"architecture": ["hourglass"]}, "expected str"),
        ({"landmark_names": ["a", "b"]}, "landmark_names: expected 14"),
        ({"mirrored": [0]}, "mirrored"),
        ({"training": {"teachers": [{"name": "a"}]}}, r"teachers\[0\].sha256 is missing"),
        ({"training": {"steps": "many"}}, "steps"),
        ({"training": {"settings": 3}}, "settings"),
        ({"figures": {"PCKh@0.5": [1]}}, "figures"),
        ({"figures": {"PCKh@0.5": float("nan")}}, "figures"),
        ({"extra": 1}, "extra is unknown"),
        ({"schema_version": [2]}, r"schema version \[2\]"),
    ],
)
def test_every_field_of_a_manifest_is_checked(small_core, tmp_path: Path, values, words) -> None:
    place = changed(small_core, tmp_path / "model", **values)
    with pytest.raises(WeightsError, match=words):
        find_model(str(place))


@pytest.mark.parametrize("file", [MANIFEST, "weights.safetensors"])
def test_a_file_that_never_ends_is_not_read(small_core, tmp_path: Path, file: str) -> None:
    for kind in ("pipe", "zero", "sparse"):
        place = tmp_path / kind
        shutil.copytree(small_core.folder, place)
        (place / file).unlink()
        if kind == "pipe":
            os.mkfifo(place / file)
        elif kind == "zero":
            (place / file).symlink_to("/dev/zero")
        else:
            with (place / file).open("wb") as opened:
                opened.truncate(1 << 40)
        with pytest.raises(WeightsError, match=r"a pipe|expected at most|has no manifest"):
            find_model(str(place)).arrays()


def test_a_manifest_that_could_not_be_read_again_is_not_written(small_core, tmp_path: Path) -> None:
    shutil.copytree(small_core.folder, tmp_path / "model")
    before = (tmp_path / "model" / MANIFEST).read_text()
    with pytest.raises(WeightsError, match="name is"):
        replace(small_core.manifest, name="my model").write(tmp_path / "model")
    assert (tmp_path / "model" / MANIFEST).read_text() == before


def test_an_adapter_of_other_shapes_is_refused() -> None:
    core = {"c.weight": np.ones((2, 3, 1, 1), np.float32), "c.bias": np.ones(2, np.float32)}
    for name, shape in {"c.weight": (2, 4, 1, 1), "c.bias": (2, 1)}.items():
        with pytest.raises(WeightsError, match=f"{name} is"):
            fold_state(core, {name: np.ones(shape, np.float32)})
    head = {"c.weight": np.ones((5, 3, 1, 1), np.float32), "c.bias": np.zeros(5, np.float32)}
    assert fold_state(core, head)["c.weight"].shape == (5, 3, 1, 1)
