from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from random_models import make_core

from lmk.architectures.hourglass.network import Hourglass
from lmk.architectures.hourglass.spec import ARCHITECTURE
from lmk.artifact.onnx_model import OPSETS, GraphOptions, build_onnx, save_onnx
from lmk.geometry import heatmap_to_input
from lmk.model.fold import fold_batch_norms
from lmk.networks.load import load_network
from lmk.networks.softargmax import softargmax
from lmk.networks.state import arrays_of, load_state, state_of
from lmk.system.errors import UsageError


def random_images(count: int = 3) -> np.ndarray:
    """Smooth random pictures: noise of 8 x 8 cells, enlarged."""
    cells = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return cells.repeat(16, 1).repeat(16, 2)


def torch_outputs(network: Hourglass, beta: float, images: np.ndarray) -> list[np.ndarray]:
    with torch.no_grad():
        heatmaps = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)
        xy_heatmap, scores = softargmax(heatmaps, beta)
    return [heatmap_to_input(xy_heatmap, 4).numpy(), scores.numpy(), heatmaps.numpy()]


def onnx_outputs(proto: onnx.ModelProto, images: np.ndarray) -> list[np.ndarray]:
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=providers)
    return session.run(None, {"images": images})


@pytest.mark.parametrize("fold", [True, False])
def test_graph_reproduces_the_projected_network(adapter_model, fold: bool) -> None:
    network, beta = load_network(adapter_model, folded=False)
    images = random_images()
    options = GraphOptions(heatmaps=True, fold_projections=fold)
    expected = torch_outputs(network, beta, images)
    actual = onnx_outputs(build_onnx(adapter_model, options), images)
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
    proto = build_onnx(adapter_model, GraphOptions(fold_projections=False))
    ops = [node.op_type for node in proto.graph.node]
    plain = sum(isinstance(m, torch.nn.Conv2d) for m in Hourglass(7).modules())
    assert ops.count("Conv") == 2 * plain - 1


def test_file_describes_itself(adapter_model, tmp_path) -> None:
    path = tmp_path / "adapter.onnx"
    save_onnx(build_onnx(adapter_model), path)
    proto = onnx.load(path)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert metadata["num_landmarks"] == "7"
    assert metadata["folded_projections"] == "true"
    assert metadata["license"] == adapter_model.manifest.license
    assert metadata["core_sha256"] == adapter_model.core().manifest.weights_sha256
    assert metadata["weights_sha256"] == adapter_model.manifest.weights_sha256
    image = proto.graph.input[0].type.tensor_type
    assert image.elem_type == onnx.TensorProto.UINT8
    assert image.shape.dim[0].dim_param == "batch"


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_gives_the_same_landmarks(adapter_model, opset: int) -> None:
    images = random_images()
    expected = onnx_outputs(build_onnx(adapter_model), images)
    proto = build_onnx(adapter_model, GraphOptions(opset=opset))
    assert proto.opset_import[0].version == opset
    np.testing.assert_allclose(onnx_outputs(proto, images)[0], expected[0], atol=1e-4)


def test_an_opset_that_is_not_written_is_wrong_usage(adapter_model) -> None:
    with pytest.raises(UsageError, match="opsets 17 to 21, not 12"):
        build_onnx(adapter_model, GraphOptions(opset=12))


def test_a_fixed_batch_is_in_every_shape(adapter_model) -> None:
    proto = build_onnx(adapter_model, GraphOptions(batch=3, heatmaps=True))
    for value in (*proto.graph.input, *proto.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_value == 3
    assert onnx_outputs(proto, random_images(3))[0].shape == (3, 7, 2)


def test_half_graph_computes_in_float16_up_to_the_heatmaps(adapter_model) -> None:
    """Every tensor before the cast is float16 but the picture; everything after it float32."""
    proto = onnx.shape_inference.infer_shapes(
        build_onnx(adapter_model, GraphOptions(precision="fp16"))
    )
    types = {v.name: v.type.tensor_type.elem_type for v in proto.graph.value_info}
    names = [node.output[0] for node in proto.graph.node]
    cast = names.index("heatmaps_float")
    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    assert {types[name] for name in names[:cast]} == {half}
    rest = {types[name] for name in names[cast:] if name in types}
    assert rest == {single, onnx.TensorProto.BOOL}
    weights = [t.data_type for t in proto.graph.initializer if t.name.endswith("weight")]
    assert len(weights) == 56
    assert set(weights) == {half}


def test_half_graph_is_near_the_network_but_not_equal(adapter_model) -> None:
    network, beta = load_network(adapter_model)
    images = random_images()
    expected = torch_outputs(network, beta, images)[2]
    options = GraphOptions(precision="fp16", heatmaps=True)
    actual = onnx_outputs(build_onnx(adapter_model, options), images)[2]
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    assert 1e-4 < error < 2e-2


def test_folding_batch_norms_keeps_the_function() -> None:
    """Against the same arithmetic unfolded, in float64, with padding that must stay zero."""
    network = make_core().double()
    arrays = arrays_of(state_of(network))
    folded = Hourglass(14).double()
    for norm in ("stem_bn", "last_bn"):
        setattr(folded, norm, torch.nn.Identity())
    load_state(folded, fold_batch_norms(arrays, ARCHITECTURE.folded_norms))
    images = torch.rand(2, 3, 128, 128, dtype=torch.float64)
    with torch.no_grad():
        expected, actual = network(images), folded.double().eval()(images)
    assert torch.equal(expected.argmax(-1), actual.argmax(-1))
    np.testing.assert_allclose(actual, expected, atol=1e-6 * expected.abs().max())
