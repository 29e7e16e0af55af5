"""A second architecture is one folder: what lmk does with the hourglass it does with another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from pocket.network import Pocket
from random_models import randomize

import lmk
from lmk.architectures import catalogue
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.data.coco import KeypointSet
from lmk.data.drawn import write_foxes
from lmk.data.packed import content_sha256
from lmk.data.source import UnlabelledSet
from lmk.data.synthetic import NAMES, draw
from lmk.evaluation.annotated import load_annotated
from lmk.exporting.export import export_model
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.geometry import crops_of_boxes
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.model.manifest import MANIFEST
from lmk.networks.load import load_network
from lmk.networks.perceptual import core_features
from lmk.networks.state import arrays_of, state_of
from lmk.system.errors import WeightsError
from lmk.system.progress import Reporter
from lmk.training.adaptation.job import adapt
from lmk.training.device import Compute
from lmk.training.loop import Run
from lmk.training.options import AdaptOptions, PretrainOptions
from lmk.training.pretraining.job import pretrain, save_core

SIZE, STRIDE = 96, 8
CPU = Compute(torch.device("cpu"), bf16=False)


@pytest.fixture(autouse=True, scope="module")
def seated() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue.ARCHITECTURES, "pocket", "pocket.spec")
        yield


def run(folder: Path) -> Run:
    return Run(folder, CPU, Reporter())


def make_core(folder: Path) -> Model:
    torch.manual_seed(3)
    network = Pocket(14)
    randomize(network, 3)
    folder.mkdir()
    names = [f"joint {index}" for index in range(14)]
    return save_core(folder, network.eval(), names, {})


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Adapted by three steps, which move projections and batch norms off their start."""
    crops = draw(6, seed=0)[0]
    data = UnlabelledSet(crops, content_sha256(crops))
    options = AdaptOptions(steps=3, batch_size=3, keypoints=5, generator_width=4, rate_body=0.05)
    folder = tmp_path_factory.mktemp("pocket")
    return adapt(data, make_core(folder / "core"), options, run(folder / "run"))


def test_an_adapter_remembers_its_architecture(adapter: Model) -> None:
    content = json.loads((adapter.folder / MANIFEST).read_text())
    assert content["architecture"] == "pocket"
    assert (content["input"]["size_hw"], content["stride"]) == ([SIZE, SIZE], STRIDE)
    assert adapter.manifest.framing
    assert adapter.manifest.framing.input_size == SIZE
    network, _ = load_network(adapter, folded=False)
    assert network(torch.zeros(2, 3, SIZE, SIZE)).shape == (2, 5, SIZE // STRIDE, SIZE // STRIDE)
    deltas = [p.detach() for name, p in network.named_parameters() if "delta" in name]
    assert max(float(delta.abs().max()) for delta in deltas) > 0.01


@pytest.mark.parametrize("fold", [True, False])
def test_its_graph_gives_the_networks_landmarks(adapter: Model, fold: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    proto = build_onnx(adapter, GraphOptions(fold_projections=fold))
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    landmarks, _ = session.run(None, {"images": images})
    network, beta = load_network(adapter, folded=False)
    with torch.no_grad():
        heatmaps = network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).numpy()
    weights = np.exp(beta * heatmaps.reshape(3, 5, -1).astype(np.float64))
    weights /= weights.sum(-1, keepdims=True)
    y, x = np.divmod(np.arange((SIZE // STRIDE) ** 2), SIZE // STRIDE)
    expected = np.stack([(weights * x).sum(-1), (weights * y).sum(-1)], -1) * STRIDE + 3.5
    np.testing.assert_allclose(landmarks, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("format", "precision"),
    [
        ("onnx", "fp32"),
        ("onnx", "int8"),
        ("openvino", "fp32"),
        ("openvino", "fp16"),
        ("ncnn", "fp32"),
        ("ncnn", "fp16"),
    ],
)
def test_it_is_exported_verified_and_run(
    adapter: Model, format: str, precision: str, tmp_path: Path
) -> None:
    calibration = drawn_samples(SIZE, 8) if precision == "int8" else None
    exported = export_model(
        adapter,
        tmp_path / "out",
        ExportOptions(format, precision),
        drawn_samples(SIZE, 4),
        calibration,
        Reporter(),
    )
    assert exported.parity
    assert exported.parity.input_size == SIZE
    backend = open_backend(str(exported.path))
    assert (backend.input_size, backend.num_landmarks) == (SIZE, 5)


def test_landmarks_come_back_in_image_pixels(adapter: Model) -> None:
    image = cv2.resize(draw(1, seed=5)[0][0], (300, 200))
    box = (40.0, 10.0, 150.0, 170.0)
    found = lmk.Landmarker(adapter.folder, runtime="onnxruntime")(image, box)
    left, top, side, _ = crops_of_boxes(box)[0]
    rows = np.arange(SIZE) * side / SIZE + side / SIZE / 2 - 0.5
    maps = (np.tile(left + rows, (SIZE, 1)), np.tile((top + rows)[:, None], (1, SIZE)))
    crop = cv2.remap(
        image, *(m.astype(np.float32) for m in maps), cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
    )
    backend = open_backend(str(adapter.folder), "torch")
    expected = backend.infer(crop[None, :, :, ::-1].copy())[0][0]
    expected = (expected + 0.5) * side / SIZE + (left, top) - 0.5
    np.testing.assert_allclose(found.xy[0], expected, atol=0.3 * side / SIZE)


def test_it_is_measured_in_pixels_that_all_networks_share(adapter: Model, tmp_path: Path) -> None:
    write_foxes(tmp_path / "foxes", 6, 0, Reporter())
    results = lmk.evaluate(str(adapter.folder), tmp_path / "foxes", metrics=("consistency",))
    (found,) = (evaluation.found for evaluation in results.evaluations)
    data = load_annotated(tmp_path / "foxes", Reporter())
    assert data.images.shape[1] == 128
    seen = np.stack(
        [cv2.resize(i, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for i in data.images]
    )
    xy_input = open_backend(str(adapter.folder), "torch").infer(seen)[0]
    np.testing.assert_allclose(found, (xy_input + 0.5) * 128 / SIZE - 0.5, atol=0.02)


def test_its_own_early_activations_compare_pictures(tmp_path: Path) -> None:
    network, _ = load_network(make_core(tmp_path / "core"))
    features = core_features(network, "second")
    assert features.names == ("second",)
    (second,) = features(torch.rand(2, 3, SIZE, SIZE))
    assert second.shape == (2, 12, SIZE // 4, SIZE // 4)


def test_a_core_is_trained_from_random_weights(tmp_path: Path) -> None:
    crops, xy_crop = draw(4, seed=1)
    labelled = np.ones(xy_crop.shape[:2], bool)
    data = KeypointSet(crops, xy_crop.astype(np.float32), labelled, NAMES)
    options = PretrainOptions(architecture="pocket", steps=2, batch_size=2)
    core = pretrain(data, None, None, options, run(tmp_path / "run"))
    assert core.manifest.architecture == "pocket"
    torch.manual_seed(options.seed)
    start = arrays_of(state_of(Pocket(len(NAMES))))
    trained = arrays_of(state_of(load_network(core)[0]))
    assert np.abs(trained["conv2.weight"] - start["conv2.weight"]).max() > 1e-4


def test_an_unknown_architecture_is_an_error_that_names_those_known(
    adapter: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(catalogue.ARCHITECTURES, "pocket")
    with pytest.raises(
        WeightsError, match="no architecture 'pocket': this version of lmk has hourglass"
    ):
        find_model(str(adapter.folder))


def test_a_manifest_that_contradicts_its_architecture_is_refused(
    adapter: Model, tmp_path: Path
) -> None:
    path = adapter.folder / MANIFEST
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "stride": 4}))
    with pytest.raises(
        WeightsError, match=r"not match this version's architecture pocket: expected .*'stride'"
    ):
        find_model(str(adapter.folder))
