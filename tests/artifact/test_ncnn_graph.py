"""ncnn finds what ONNX Runtime finds in the same graph, with every layer that lmk writes."""

from __future__ import annotations

from pathlib import Path

import ncnn
import numpy as np
import onnxruntime
import pytest
from named_models import named_folder, random_map, searching_map
from onnx import ModelProto, TensorProto, helper
from random_models import make_student, save_model

from lmk.artifact.ncnn.from_onnx import ncnn_of
from lmk.artifact.ncnn.network import NcnnNetwork, read_ncnn, write_ncnn
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.inference.backends.ncnn import load_net
from lmk.model.folder import Model, find_model
from lmk.networks.state import arrays_of, state_of
from lmk.system.errors import UsageError, WeightsError

NET = "landmarks", "scores"


def pictures(side: int) -> np.ndarray:
    cells = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    return cells.repeat(side // 8, 1).repeat(side // 8, 2)


def in_ncnn(net: ncnn.Net, image: np.ndarray, names: tuple[str, ...]) -> list[np.ndarray]:
    extractor, (height, width, _) = net.create_extractor(), image.shape
    rgb = ncnn.Mat.PixelType.PIXEL_RGB
    assert extractor.input("images", ncnn.Mat.from_pixels(image, rgb, width, height)) == 0
    return [np.array(extractor.extract(name)[1]) for name in names]


def assert_same(proto: ModelProto, net: ncnn.Net, atol: dict[str, float] | None = None) -> None:
    names = tuple(value.name for value in proto.graph.output)
    images = pictures(proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    expected = session.run(names, {"images": images})
    limits = {"landmarks": 2e-3, "scores": 1e-4, "points": 5e-3, "heatmaps": 1e-3} | (atol or {})
    for place, image in enumerate(images):
        for name, found, values in zip(names, in_ncnn(net, image, names), expected, strict=True):
            assert found.shape == values[place].shape
            np.testing.assert_allclose(found, values[place], atol=limits[name], err_msg=name)
    assert np.abs(expected[0][0] - expected[0][1]).max() > 0.05  # px; the pictures differ


@pytest.mark.parametrize("fold", [True, False])
def test_the_hourglass_with_folded_and_with_separate_projections(
    adapter_model: Model, fold: bool
) -> None:
    proto = build_onnx(adapter_model, GraphOptions(fold_projections=fold, heatmaps=True))
    network = ncnn_of(proto)
    assert_same(proto, load_net(ncnn, network))
    kernels = sum(layer.kind == "Convolution" for layer in network.layers)
    assert kernels == sum(node.op_type == "Conv" for node in proto.graph.node)


@pytest.mark.parametrize("size", ["small", "tiny"])
def test_students(size: str, tmp_path: Path) -> None:
    student = make_student(size)
    name = student.architecture.name
    model = save_model(tmp_path / "s", "s", arrays_of(state_of(student)), 7, architecture=name)
    proto = build_onnx(model, GraphOptions(heatmaps=True))
    assert_same(proto, load_net(ncnn, ncnn_of(proto)))


def test_half_kernels_move_landmarks_little_and_leave_the_head_whole(student_model: Model) -> None:
    proto = build_onnx(student_model)
    whole, half = ncnn_of(proto), ncnn_of(proto, half=True)
    assert_same(proto, load_net(ncnn, half), {"landmarks": 0.25, "scores": 0.02})
    images = pictures(128)
    found = [in_ncnn(load_net(ncnn, one), images[0], NET)[0] for one in (whole, half)]
    assert np.abs(found[0] - found[1]).max() > 1e-4
    kernels = {
        name: values.size
        for name, values in (
            (one.name, np.empty(tuple(one.dims))) for one in proto.graph.initializer
        )
        if values.ndim == 4
    }
    saved = 2 * (sum(kernels.values()) - kernels["head.weight"])
    assert len(whole.weights) - len(half.weights) == pytest.approx(saved, abs=4 * len(kernels))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("search", [False, True])
def test_named_points(student_model: Model, tmp_path: Path, count: int, search: bool) -> None:
    plain = random_map(student_model.manifest.num_landmarks, count)
    point_map = searching_map(student_model, count) if search else plain
    folder = named_folder(student_model, tmp_path / "feet", "abc"[:count], (), point_map)
    proto = build_onnx(find_model(str(folder)))
    assert_same(proto, load_net(ncnn, ncnn_of(proto)))


@pytest.fixture(scope="module")
def network(student_model: Model) -> NcnnNetwork:
    return ncnn_of(build_onnx(student_model))


@pytest.mark.parametrize("option", ["use_bf16_storage", "use_fp16_arithmetic"])
def test_a_plain_program_reads_the_file_and_no_option_changes_its_precision(
    network: NcnnNetwork, tmp_path: Path, option: str
) -> None:
    path = tmp_path / "a.ncnn.param"
    write_ncnn(network, path)
    plain = ncnn.Net()
    setattr(plain.opt, option, True)
    assert plain.load_param(str(path)) == plain.load_model(str(tmp_path / "a.ncnn.bin")) == 0
    assert (list(plain.input_names()), list(plain.output_names())) == (["images"], [*NET])
    for image in pictures(128):
        ours = in_ncnn(load_net(ncnn, network), image, NET)
        for found, expected in zip(in_ncnn(plain, image, NET), ours, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_file_says_what_the_graph_says(student_model: Model, tmp_path: Path) -> None:
    proto = build_onnx(student_model)
    write_ncnn(ncnn_of(proto), tmp_path / "a.ncnn.param")
    found = read_ncnn(tmp_path / "a.ncnn.param")
    assert found.metadata == {entry.key: entry.value for entry in proto.metadata_props}
    assert found.signature.inputs == {"images": "uint8 (B, 128, 128, 3)"}
    outputs = {"landmarks": "float32 (B, 7, 2)", "scores": "float32 (B, 7)"}
    assert found.signature.outputs == outputs
    assert found.signature.batch == 1


def test_an_operation_that_is_not_known_is_named(student_model: Model) -> None:
    proto = build_onnx(student_model)
    proto.graph.node.append(helper.make_node("Sin", ["landmarks"], ["waves"], name="waves"))
    with pytest.raises(UsageError, match="no Sin, which waves is: choose another format"):
        ncnn_of(proto)


def test_a_kernel_beyond_float16_is_refused(student_model: Model) -> None:
    proto = build_onnx(student_model)
    (kernel,) = (one for one in proto.graph.initializer if one.name == "down8.conv.weight")
    assert kernel.data_type == TensorProto.FLOAT
    values = np.frombuffer(kernel.raw_data, np.float32).copy()
    values[3] = 70_000
    kernel.raw_data = values.tobytes()
    assert ncnn_of(proto).weights
    with pytest.raises(WeightsError, match="float16 does not hold: choose fp32"):
        ncnn_of(proto, half=True)
