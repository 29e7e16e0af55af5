from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from lmk.export.onnx_model import build_onnx, save_onnx
from lmk.geometry import heatmap_to_input
from lmk.networks.hourglass import Hourglass
from lmk.networks.load import load_network
from lmk.networks.softargmax import softargmax


def random_images(count: int = 3) -> np.ndarray:
    """Smooth random pictures: noise of 8 x 8 cells, enlarged."""
    cells = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return cells.repeat(16, 1).repeat(16, 2)


def torch_outputs(network: Hourglass, beta: float, images: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        heatmaps = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)
        xy_heatmap, scores = softargmax(heatmaps, beta)
    return [heatmap_to_input(xy_heatmap).numpy(), scores.numpy(), heatmaps.numpy()]


def onnx_outputs(proto: onnx.ModelProto, images: np.ndarray) -> list[np.ndarray]:
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=providers)
    return session.run(None, {"images": images})


@pytest.mark.parametrize("fold", [True, False])
def test_graph_reproduces_the_projected_network(adapter_model, fold: bool) -> None:
    network, beta = load_network(adapter_model, folded=False)
    images = random_images()
    expected = torch_outputs(network, beta, images)
    actual = onnx_outputs(build_onnx(adapter_model, fold, heatmaps=True), images)
    assert np.abs(expected[0] - expected[0].mean()).max() > 1, (
        "landmarks that all agree prove little"
    )
    np.testing.assert_allclose(actual[0], expected[0], atol=0.01)  # input pixels
    np.testing.assert_allclose(actual[1], expected[1], atol=1e-3)
    scale = np.abs(expected[2]).max()
    np.testing.assert_allclose(actual[2], expected[2], atol=2e-5 * scale)
    assert actual[0].shape == (3, 7, 2)


def test_folded_graph_is_that_of_a_plain_hourglass(adapter_model) -> None:
    ops = [node.op_type for node in build_onnx(adapter_model).graph.node]
    plain = sum(isinstance(m, torch.nn.Conv2d) for m in Hourglass(7).modules())
    assert ops.count("Conv") == plain
    assert "MatMul" not in ops
    assert "Gemm" not in ops


def test_unfolded_graph_has_one_more_convolution_per_projection(adapter_model) -> None:
    ops = [node.op_type for node in build_onnx(adapter_model, fold_projections=False).graph.node]
    plain = sum(isinstance(m, torch.nn.Conv2d) for m in Hourglass(7).modules())
    assert ops.count("Conv") == 2 * plain - 1


def test_file_describes_itself(adapter_model, tmp_path) -> None:
    path = tmp_path / "adapter.onnx"
    save_onnx(build_onnx(adapter_model), path)
    proto = onnx.load(path)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert metadata["num_landmarks"] == "7"
    assert metadata["folded_projections"] == "true"
    assert metadata["core_sha256"] == adapter_model.core().manifest.weights_sha256
    assert metadata["weights_sha256"] == adapter_model.manifest.weights_sha256
    image = proto.graph.input[0].type.tensor_type
    assert image.elem_type == onnx.TensorProto.UINT8
    assert image.shape.dim[0].dim_param == "batch"
