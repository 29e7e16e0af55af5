from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lmk
from lmk.data.photograph import FACE_SIDE, FACE_XY, photograph
from lmk.exporting.export import Exported
from lmk.inference.backends import sharing
from lmk.inference.backends.select import open_backend
from lmk.system.errors import UsageError

IMAGES = (
    np.random.default_rng(3)
    .integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    .repeat(16, 1)
    .repeat(16, 2)
)


@pytest.fixture(scope="module", params=["fp32", "fp16"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("ncnn")
    return lmk.export("faces-tiny", folder, "ncnn", request.param, reference="onnx")


def test_a_file_is_verified_and_says_what_it_is(exported: Exported) -> None:
    known, parity = exported.provenance, exported.parity
    assert parity is not None
    assert 0 < parity.max_px < {"fp32": 0.005, "fp16": 0.25}[known.precision]
    assert parity.runtime.startswith("ncnn ")
    weights = {"fp32": "float32", "fp16": "float16 weights, computed in float32"}
    assert parity.runtime.endswith(f"on cpu, {weights[known.precision]}")
    assert (known.batch.fixed, set(known.layers)) == (1, {"fp32"})
    assert "ncnn" in known.tools


def test_pictures_of_a_batch_are_found_as_alone(exported: Exported) -> None:
    backend = open_backend(str(exported.path))
    assert backend.name == "ncnn"
    together = backend.infer(IMAGES)
    assert together.landmarks.shape == (3, 10, 2)
    assert np.ptp(together.landmarks, axis=0).max() > 1
    for place, image in enumerate(IMAGES):
        alone = backend.infer(image[None])
        np.testing.assert_array_equal(alone.landmarks[0], together.landmarks[place])
        np.testing.assert_array_equal(alone.scores[0], together.scores[place])
    turned = backend.infer(IMAGES[:, ::-1])  # which is not in one piece of memory
    np.testing.assert_array_equal(
        turned.landmarks, backend.infer(np.ascontiguousarray(IMAGES[:, ::-1])).landmarks
    )


def test_a_face_in_a_photograph_is_found_as_in_onnx_runtime(exported: Exported) -> None:
    (x, y), side = np.array(FACE_XY) - FACE_SIDE / 2, FACE_SIDE
    boxes = [[x, y, side, side], [x - 9, y + 4, side + 12, side + 12]]
    found = lmk.Landmarker(exported.path)(photograph(), boxes)
    expected = lmk.Landmarker("faces-tiny", "onnxruntime")(photograph(), boxes)
    atol = {"fp32": 0.01, "fp16": 0.5}[exported.provenance.precision]
    np.testing.assert_allclose(found.xy, expected.xy, atol=atol * side / 128)
    np.testing.assert_allclose(found.score, expected.score, atol=0.04)  # one heatmap pixel's share
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=0.02)
    assert np.isfinite(found.confidence).all()  # of the framing, which is read from the file


def test_a_model_runs_by_its_name_and_nothing_is_left_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    found = open_backend("faces-tiny", "ncnn", threads=1).infer(IMAGES)
    assert not (tmp_path / "cache").exists()
    expected = open_backend("faces-tiny", "onnxruntime").infer(IMAGES)
    np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=2e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def test_a_forked_process_is_told_to_be_spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threads, of GNU's OpenMP, would wait for ever."""
    backend = open_backend("faces-tiny", "ncnn")
    monkeypatch.setattr(sharing, "os", SimpleNamespace(getpid=lambda: -1))
    with pytest.raises(UsageError, match=r"forked.*get_context\('spawn'\)"):
        backend.infer(IMAGES)
