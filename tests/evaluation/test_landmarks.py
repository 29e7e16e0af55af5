from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from colour_detector import METADATA, save_detector
from evaluation.dots import draw_points, to_input

from lmk.evaluation import landmarks
from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.landmarks import open_model, open_models
from lmk.evaluation.views import MIRRORED, UNCHANGED, noisy
from lmk.model.bundle import pack
from lmk.model.folder import find_model
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "landmarks").glob("*"))


def test_landmarks_are_those_of_the_images(evaluated, dots) -> None:
    images = load_annotated(dots[0], Reporter()).images
    expected = to_input(draw_points(12, 0)[:, :3])
    np.testing.assert_allclose(evaluated.find(images, Reporter()), expected, atol=0.3)
    mirrored = evaluated.find(images, Reporter(), MIRRORED)
    np.testing.assert_allclose(mirrored[..., 0], 127 - expected[..., 0], atol=0.3)


def test_landmarks_are_computed_once(evaluated, dots, tmp_path, monkeypatch) -> None:
    images = load_annotated(dots[0], Reporter()).images
    first = evaluated.find(images, Reporter())
    assert len(kept(tmp_path)) == 1
    monkeypatch.setattr(evaluated.backend, "infer", None)
    np.testing.assert_array_equal(evaluated.find(images, Reporter()), first)


def test_an_interrupted_run_goes_on_with_the_next_chunk(
    evaluated, dots, tmp_path, monkeypatch
) -> None:
    """Chunks of 5 of 12 images, in batches of 2; the power fails in the second chunk."""
    images = load_annotated(dots[0], Reporter()).images
    whole = evaluated.find(images, Reporter(), noisy(seed=0))
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "again" / "cache"))
    monkeypatch.setattr(landmarks, "CHUNK", 5)
    monkeypatch.setattr(landmarks, "BATCH", 2)
    infer, seen = evaluated.backend.infer, []

    def watched(batch):
        seen.append(len(batch))
        if len(seen) == 5:
            raise KeyboardInterrupt
        return infer(batch)

    monkeypatch.setattr(evaluated.backend, "infer", watched)
    with pytest.raises(KeyboardInterrupt):
        evaluated.find(images, Reporter(), noisy(seed=0))
    assert len(kept(tmp_path / "again")) == 1
    seen[:] = [0] * 5
    np.testing.assert_array_equal(evaluated.find(images, Reporter(), noisy(seed=0)), whole)
    assert seen[5:] == [2, 2, 1, 2]
    assert len(kept(tmp_path / "again")) == 3


def test_other_images_views_models_and_runtimes_are_computed_anew(
    evaluated, dots, tmp_path
) -> None:
    images = load_annotated(dots[0], Reporter()).images
    file = save_detector(tmp_path / "other.onnx", METADATA | {"name": "another"})
    other = open_model(str(file), "onnxruntime", "cpu")
    openvino = open_model(evaluated.given, "openvino", "cpu")
    calls = [
        (evaluated, images, UNCHANGED),
        (evaluated, images[:5], UNCHANGED),
        (evaluated, images, MIRRORED),
        (other, images, UNCHANGED),
        (openvino, images, UNCHANGED),
    ]
    for number, (model, seen, view) in enumerate(calls):
        model.find(seen, Reporter(), view)
        assert len(kept(tmp_path)) == number + 1


def test_damaged_landmarks_in_the_cache_are_made_again(evaluated, dots, tmp_path) -> None:
    images = load_annotated(dots[0], Reporter()).images
    found = evaluated.find(images, Reporter())
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    flipped = whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:]
    for damaged in (b"", whole[:200], flipped):
        file.write_bytes(damaged)
        np.testing.assert_array_equal(evaluated.find(images, Reporter()), found)
        assert file.read_bytes() == whole


def test_a_model_folder_is_known_by_its_content(core_model, adapter_model) -> None:
    core = open_model(str(core_model.folder), "torch", "cpu")
    assert core.landmark_names == core_model.manifest.landmark_names
    adapted = open_model(str(adapter_model.folder), "torch", "cpu")
    assert adapted.sha256 != core.sha256
    weights = adapter_model.folder / adapter_model.manifest.weights_file
    assert open_model(str(weights), "torch", "cpu").sha256 == adapted.sha256


def test_a_packed_adapter_is_the_model_itself(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    faces, packed = find_model("faces"), tmp_path / "packed.adapter"
    pack(faces.manifest, faces.arrays(), faces.core().manifest, packed)
    assert open_model(str(packed), "onnxruntime", "cpu").sha256 == faces.sha256


def test_models_are_named_briefly_but_apart(tmp_path) -> None:
    paths = [tmp_path / "a" / "dots.onnx", tmp_path / "b" / "dots.onnx", tmp_path / "more.onnx"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        save_detector(path)
    models = [str(path) for path in paths]
    apart = open_models(models[1:], "onnxruntime", "cpu")
    assert [model.name for model in apart] == ["dots.onnx", "more.onnx"]
    alike = open_models(models, "onnxruntime", "cpu")
    assert [model.name for model in alike] == models
    with pytest.raises(UsageError, match="model is given twice"):
        open_models([models[0], models[0]], "onnxruntime", "cpu")
