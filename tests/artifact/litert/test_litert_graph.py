"""A LiteRT graph computes what the network computes, in every precision and for every batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from litert_files import in_int8, interpret
from named_models import named_folder, random_map, searching_map
from onnx import TensorProto, helper, numpy_helper

from lmk.artifact.litert.check import SHAPES, check
from lmk.artifact.litert.convert import to_litert
from lmk.artifact.litert.graph import KINDS, Graph
from lmk.artifact.litert.quantized import without_qdq
from lmk.artifact.litert.read import read
from lmk.artifact.litert.write import write
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.exporting.verify import in_onnxruntime
from lmk.model.folder import Model, find_model
from lmk.networks.detect import detect
from lmk.networks.load import load_network

pytest.importorskip("ai_edge_litert")


def noise(count: int, side: int = 128) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.fixture(scope="module")
def whole(student_model: Model) -> Graph:
    return to_litert(in_int8(student_model))


def kinds(graph: Graph) -> list[tuple[str, str]]:
    return [(one.kind, graph.tensors[one.inputs[0]].dtype) for one in graph.operations]


@pytest.mark.parametrize("folded", [True, False], ids=["folded", "projections"])
@pytest.mark.parametrize("batch", [None, 2])
def test_an_adapter_of_random_batch_norms_is_the_network(
    adapter_model: Model, folded: bool, batch: int | None
) -> None:
    images = noise(batch or 3)
    expected = detect(*load_network(adapter_model, folded=False), images)
    proto = build_onnx(adapter_model, GraphOptions(batch=batch, fold_projections=folded))
    found = interpret(to_litert(proto), images)
    np.testing.assert_allclose(found["landmarks"], expected[0], atol=5e-3)  # px
    np.testing.assert_allclose(found["scores"], expected[1], atol=1e-3)


@pytest.mark.parametrize("name", ["student_model", "small_core"])
def test_students_are_the_network(name: str, request: pytest.FixtureRequest) -> None:
    model, images = request.getfixturevalue(name), noise(2)
    landmarks, scores = detect(*load_network(model), images)[:2]
    found = interpret(to_litert(build_onnx(model)), images)
    np.testing.assert_allclose(found["landmarks"], landmarks, atol=5e-3)
    np.testing.assert_allclose(found["scores"], scores, atol=1e-3)


def test_heatmaps_are_planes_as_in_onnx(student_model: Model) -> None:
    proto, images = build_onnx(student_model, GraphOptions(heatmaps=True)), noise(2)
    session = in_onnxruntime(proto)._session
    (expected,) = session.run(["heatmaps"], {"images": images})
    found = interpret(to_litert(proto), images)["heatmaps"]
    assert found.shape == expected.shape == (2, 7, 32, 32)
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("searched", [False, True])
def test_named_points_are_those_of_the_map(
    student_model: Model, tmp_path: Path, searched: bool
) -> None:
    point_map = searching_map(student_model, 3) if searched else random_map(7, 3)
    model = find_model(str(named_folder(student_model, tmp_path / "feet", point_map=point_map)))
    proto, images = build_onnx(model), noise(3, 8).repeat(16, 1).repeat(16, 2)
    found, expected = interpret(to_litert(proto), images), in_onnxruntime(proto).infer(images)
    assert found["points"].shape == (3, 3, 2)
    np.testing.assert_allclose(found["points"], expected.points, atol=5e-3)
    mapped = replace(point_map, search=None)(expected.landmarks)
    assert bool(np.abs(expected.points - mapped).max() > 1) is searched


def test_kernels_in_half_precision_are_turned_into_float32(student_model: Model) -> None:
    proto = build_onnx(student_model)
    graph, half = to_litert(proto), to_litert(proto, half_kernels=True)
    count = kinds(graph).count(("CONV_2D", "float32"))
    assert kinds(half).count(("DEQUANTIZE", "float16")) == count == 19
    stored = {t.name: t.data for t in half.tensors if t.dtype == "float16"}
    kernels = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    for name, values in stored.items():
        kernel = kernels[name.removesuffix(".float16")]
        np.testing.assert_array_equal(values, kernel.transpose(0, 2, 3, 1).astype(np.float16))
    for one in half.operations:
        if one.kind == "CONV_2D":
            assert {half.tensors[at].dtype for at in (*one.inputs, *one.outputs)} == {"float32"}


def test_the_body_of_a_student_is_whole_numbers_between_two_borders(whole: Graph) -> None:
    """So that an accelerator for int8 runs all of it: stem and head are in float32."""
    found = kinds(whole)
    assert found.count(("QUANTIZE", "float32")) == found.count(("DEQUANTIZE", "int8")) == 1
    first, last = found.index(("QUANTIZE", "float32")), found.index(("DEQUANTIZE", "int8"))
    assert {dtype for _, dtype in found[first + 1 : last]} == {"int8"}
    assert not [kind for kind, dtype in found[:first] + found[last + 1 :] if dtype == "int8"]
    assert found.count(("CONV_2D", "int8")) == 17


def test_whole_numbers_stand_for_kernel_and_bias(student_model: Model, whole: Graph) -> None:
    """value = scale * number for kernels; biases have the scale of image times kernel."""
    original = {
        t.name: numpy_helper.to_array(t) for t in build_onnx(student_model).graph.initializer
    }
    convolutions = [one for one in whole.operations if one.kind == "CONV_2D"]
    checked = 0
    for one in convolutions:
        image, kernel, bias = (whole.tensors[at] for at in one.inputs)
        if image.dtype != "int8":
            continue
        scales = np.array(kernel.quantization.scales)
        assert not any(kernel.quantization.zero_points + bias.quantization.zero_points)
        assert kernel.data.min() >= -127
        expected = original[kernel.name].transpose(0, 2, 3, 1)
        stood = kernel.data * scales[:, None, None, None]
        np.testing.assert_allclose(stood, expected, atol=0.51 * scales.max())
        products = scales * image.quantization.scales[0]
        np.testing.assert_allclose(bias.quantization.scales, products)
        values = original[kernel.name.replace(".weight", ".bias")]
        np.testing.assert_allclose(bias.data * products, values, atol=0.51 * products.max() + 1e-6)
        checked += 1
    assert checked == 17


@pytest.mark.parametrize("name", ["student_model", "adapter_model"])
def test_int8_is_as_near_to_float32_as_in_onnxruntime(
    name: str, request: pytest.FixtureRequest
) -> None:
    model, images = request.getfixturevalue(name), noise(3)
    proto = in_int8(model)
    expected = in_onnxruntime(build_onnx(model)).infer(images).landmarks
    theirs = np.abs(in_onnxruntime(proto).infer(images).landmarks - expected).mean()
    ours = np.abs(interpret(to_litert(proto), images)["landmarks"] - expected).mean()
    assert 0 < ours < 1.5 * theirs


def test_one_convolution_in_whole_numbers_by_hand() -> None:
    """y = relu(2 x - 1) on one channel: x in steps of 0.5 from 0, y in steps of 0.25 from 0."""
    values = {
        "k": np.full((1, 1, 1, 1), 127, np.int8),
        "k_scale": np.array([2 / 127], np.float32),
        "k_zero": np.zeros(1, np.int8),
        "b": np.array([-1], np.float32),
        "x_scale": np.array(0.5, np.float32),
        "y_scale": np.array(0.25, np.float32),
        "zero": np.array(0, np.uint8),
        "unit": np.array(1, np.float32),
        "flat": np.array([0, 0, -1]),
    }
    made = helper.make_node
    nodes = [
        made("Cast", ["images"], ["f"], to=TensorProto.FLOAT),
        made("Transpose", ["f"], ["p"], perm=[0, 3, 1, 2]),
        made("Mul", ["p", "unit"], ["x"]),
        made("QuantizeLinear", ["x", "x_scale", "zero"], ["xq"]),
        made("DequantizeLinear", ["xq", "x_scale", "zero"], ["xd"]),
        made("DequantizeLinear", ["k", "k_scale", "k_zero"], ["kd"], axis=0),
        made("Conv", ["xd", "kd", "b"], ["c"]),
        made("Relu", ["c"], ["y"]),
        made("QuantizeLinear", ["y", "y_scale", "zero"], ["yq"]),
        made("DequantizeLinear", ["yq", "y_scale", "zero"], ["yd"]),
        made("Reshape", ["yd", "flat"], ["landmarks"]),
    ]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [2, 1, 3, 1])],
        [helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, [2, 1, 3])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    converted = to_litert(proto)
    assert ("CONV_2D", "int8") in kinds(converted)
    images = np.array([0, 1, 3, 20, 31, 200], np.uint8).reshape(2, 1, 3, 1)
    # 1: 2 - 1. 3: 6 - 1. 20: 40 - 1. 31: 62 - 1. 200: y ends at 255 * 0.25.
    expected = np.array([0, 1, 5, 39, 61, 63.75]).reshape(2, 1, 3)
    np.testing.assert_allclose(interpret(converted, images)["landmarks"], expected, atol=0.25)


def test_graphs_without_quantization_are_left_as_they_are(student_model: Model) -> None:
    proto = build_onnx(student_model)
    found = without_qdq(proto)
    assert [node.name for node in found.nodes] == [node.name for node in proto.graph.node]
    assert not found.ranges | found.kernels


def test_what_is_written_is_read_again(adapter_model: Model, whole: Graph) -> None:
    plain = to_litert(build_onnx(adapter_model), half_kernels=True)
    for graph in (plain, whole):
        content = write(graph)
        again = read(content)
        assert write(again) == content
        assert again.operations == graph.operations
        assert again.metadata == graph.metadata
        check(graph)


def test_constants_are_aligned(whole: Graph) -> None:
    from ai_edge_litert import schema_py_generated as schema

    content = write(whole)
    model = schema.Model.GetRootAs(content, 0)
    checked = 0
    for place in range(model.BuffersLength()):
        buffer = model.Buffers(place)
        if not buffer.DataIsNone():
            assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0
            checked += 1
    assert checked > 50


def test_every_operation_has_a_rule_for_its_shape() -> None:
    assert SHAPES.keys() == KINDS.keys()


def test_the_metadata_is_in_the_file_as_in_onnx(student_model: Model) -> None:
    proto = build_onnx(student_model)
    found = read(write(to_litert(proto))).metadata
    assert found == {entry.key: entry.value for entry in proto.metadata_props}
    assert found["name"] == "student"
