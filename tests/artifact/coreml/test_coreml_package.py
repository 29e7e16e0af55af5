"""A package of Core ML, computed by a slow reference, finds what the network finds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from named_models import named_folder, random_map, searching_map
from onnx import ModelProto, TensorProto, helper, numpy_helper
from random_models import make_student, save_model

pytest.importorskip("coremltools", reason="needs pip install 'lmk-toolkit[coreml]'")

import coremltools
from coreml_programs import read_model, run_program

from lmk.artifact.contract import check_signature, read_framing, read_points
from lmk.artifact.coreml.package import (
    convolutions,
    read_specification,
    signature_of,
    write_package,
)
from lmk.artifact.coreml.program import program_of
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.exporting.reference import reference_places
from lmk.model.folder import Model, find_model
from lmk.networks.state import arrays_of, state_of
from lmk.system.errors import UsageError

LIMITS_PX = {"fp32": 5e-3, "fp16": 0.25}
IOS_16 = 7  # as Core ML numbers its specifications


def metadata_of(proto: ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in proto.metadata_props}


def pictures(side: int, count: int = 2) -> np.ndarray:
    cells = np.random.default_rng(2).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return cells.repeat(side // 8, 1).repeat(side // 8, 2)


def packaged(model: Model, folder: Path, **options) -> Path:
    proto = build_onnx(model, GraphOptions(**options))
    path = folder / "a.mlpackage"
    write_package(program_of(proto), metadata_of(proto), path)
    return path


def assert_same(package: Path, model: Model, precision: str) -> dict[str, np.ndarray]:
    """Landmarks and points are those of the torch network, as it was trained, in pixels."""
    images = pictures(model.architecture.input_size)
    found = run_program(package, images)
    places = np.concatenate([found[name] for name in ("landmarks", "points") if name in found], 1)
    expected = reference_places(model, images, "network")
    assert np.linalg.norm(expected[0] - expected[1], axis=-1).max() > 0.05  # the pictures differ
    distance = np.linalg.norm(places - expected, axis=-1)
    assert distance.max() < LIMITS_PX[precision]
    return found


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("fold", [True, False])
def test_the_hourglass_with_folded_and_with_separate_projections(
    adapter_model: Model, tmp_path: Path, precision: str, fold: bool
) -> None:
    package = packaged(adapter_model, tmp_path, precision=precision, fold_projections=fold)
    assert_same(package, adapter_model, precision)
    kernels = 56 if fold else sum(convolutions(read_model(package)).values())
    assert kernels >= 56 + (not fold)
    assert convolutions(read_model(package)) == {precision: kernels}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("size", ["small", "tiny"])
def test_students(size: str, precision: str, tmp_path: Path) -> None:
    student = make_student(size)
    name = student.architecture.name
    model = save_model(tmp_path / "s", "s", arrays_of(state_of(student)), 7, architecture=name)
    package = packaged(model, tmp_path, precision=precision, heatmaps=True)
    found = assert_same(package, model, precision)
    proto = build_onnx(model, GraphOptions(heatmaps=True))
    names = ["scores", "heatmaps"]
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    atol = {"fp32": 1e-4, "fp16": 0.05}[precision]
    for name, values in zip(names, session.run(names, {"images": pictures(128)}), strict=True):
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], values, atol=atol, err_msg=name)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("search", [False, True])
def test_named_points(
    student_model: Model, tmp_path: Path, count: int, search: bool, precision: str
) -> None:
    plain = random_map(student_model.manifest.num_landmarks, count)
    point_map = searching_map(student_model, count) if search else plain
    folder = named_folder(student_model, tmp_path / "feet", "abc"[:count], (), point_map)
    model = find_model(str(folder))
    package = packaged(model, tmp_path, precision=precision)
    assert_same(package, model, precision)
    signature = signature_of(read_specification(package))
    assert read_points(signature, package).names == tuple("abc"[:count])
    shown = {one.name: one.shortDescription for one in read_model(package).description.output}
    assert ", ".join("abc"[:count]) in shown["points"]


def test_what_an_app_and_xcode_are_told(student_model: Model, tmp_path: Path) -> None:
    proto = build_onnx(student_model, GraphOptions(precision="fp16"))
    package = packaged(student_model, tmp_path, precision="fp16")
    specification = read_specification(package)
    assert specification == read_model(package)
    assert specification.specificationVersion == IOS_16
    signature = signature_of(specification)
    assert check_signature(signature, package) == (7, 128)
    assert signature.metadata == metadata_of(proto)
    assert read_framing(signature, package) == student_model.manifest.framing
    (images,) = specification.description.input
    assert images.name == "images"
    assert (images.type.imageType.width, images.type.imageType.height) == (128, 128)
    assert images.type.imageType.colorSpace == images.type.imageType.RGB
    for one in (*specification.description.input, *specification.description.output):
        assert one.shortDescription
    shown = specification.description.metadata
    assert shown.license == student_model.manifest.license
    assert shown.author.startswith("lmk ")
    assert shown.shortDescription == "student: 7 landmarks of the object in a square picture."


def test_everybody_may_read_the_files_and_half_of_them_is_half_as_large(
    student_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, temporary = [], tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for precision in ("fp32", "fp16"):
        (tmp_path / precision).mkdir()
        package = packaged(student_model, tmp_path / precision, precision=precision)
        files = [file for file in package.rglob("*") if file.is_file()]
        assert len({file.stat().st_mode for file in files}) == 1
        assert {file.name for file in files} == {"Manifest.json", "model.mlmodel", "weight.bin"}
        sizes.append((package / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size)
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.02)
    assert not list(temporary.iterdir())


def test_every_operation_with_a_batch_and_a_picture_that_is_no_square(tmp_path: Path) -> None:
    """Sizes, strides and borders differ between the axes, unlike in lmk's networks."""
    proto = uneven_graph()
    program = program_of(proto)
    model = coremltools.convert(
        program,
        convert_to="mlprogram",
        compute_precision=coremltools.precision.FLOAT32,
        minimum_deployment_target=coremltools.target.iOS16,
        skip_model_load=True,
    )
    model.save(str(tmp_path / "a.mlpackage"))
    images = np.random.default_rng(3).integers(0, 256, (2, 12, 20, 3), np.uint8)
    found = run_program(tmp_path / "a.mlpackage", images)
    names = [value.name for value in proto.graph.output]
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    for name, values in zip(names, session.run(names, {"images": images}), strict=True):
        assert found[name].shape == values.shape
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
        assert values.std() > 1e-3


def uneven_graph() -> ModelProto:
    random = np.random.default_rng(1)
    shapes = {"kernel": (6, 3, 3, 2), "grouped": (4, 3, 1, 3), "bias": 4, "beta": 4, "mean": 4}
    shapes |= {"column": (4, 1, 1), "left": (5, 4), "right": (126, 3)}
    shapes |= {"dense": (5, 6), "dense_bias": 6}
    real = {name: random.normal(size=shape) for name, shape in shapes.items()}
    real |= {name: random.uniform(0.5, 2, 4) for name in ("gamma", "variance")}
    real |= {"least": 0.2, "norm": 1 / 255, "scales": [1, 1, 2, 3]}
    whole = {"flat": [0, 0, -1], "last": [-1], "sizes": [2, 2, 1]}
    tensors = [numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in real.items()]
    tensors += [numpy_helper.from_array(np.array(v, np.int64), k) for k, v in whole.items()]
    nearest = {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    rows = [
        ("Cast", "images", "float", {"to": TensorProto.FLOAT}),
        ("Transpose", "float", "planar", {"perm": [0, 3, 1, 2]}),
        ("Mul", "planar norm", "unit", {}),
        ("Conv", "unit kernel", "first", {"strides": [1, 2], "pads": [1, 0, 2, 3]}),
        ("Conv", "first grouped bias", "second", {"group": 2, "pads": [0, 2, 1, 0]}),
        ("BatchNormalization", "second gamma beta mean variance", "normed", {"epsilon": 1e-2}),
        ("Relu", "normed", "positive", {}),
        ("AveragePool", "positive", "pooled", {"kernel_shape": [2, 3], "strides": [2, 3]}),
        ("Resize", "pooled - scales", "enlarged", {"mode": "nearest", **nearest}),
        ("Mul", "enlarged column", "scaled", {}),
        ("Concat", "scaled enlarged", "joined", {"axis": 1}),
        ("Reshape", "enlarged flat", "row", {}),
        ("Softmax", "row", "mass", {"axis": -1}),
        ("MatMul", "left row", "mixed", {}),
        ("MatMul", "mixed right", "product", {}),
        ("Split", "product sizes", "head middle tail", {"axis": 1}),
        ("ReduceSum", "mixed last", "sums", {"keepdims": 0}),
        ("Gemm", "sums dense dense_bias", "layer", {}),
        ("Sub", "norm product", "below", {}),
        ("Max", "below least", "most", {}),
        ("Div", "below most", "ratio", {}),
        ("LessOrEqual", "ratio least", "small", {}),
        ("Cast", "small", "flags", {"to": TensorProto.FLOAT}),
        ("Add", "flags product", "added", {}),
        ("ReduceSum", "added last", "kept", {"keepdims": 1}),
        ("Identity", "kept", "same", {}),
    ]
    nodes = [
        helper.make_node(kind, inputs.replace("-", "").split(" "), names.split(), names, **more)
        for kind, inputs, names, more in rows
    ]
    outputs = ["joined", "mass", "middle", "tail", "layer", "ratio", "flags", "same"]
    free = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, [2, 12, 20, 3])
    graph = helper.make_graph(nodes, "uneven", [images], free, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_an_operation_that_is_not_known_is_named(student_model: Model) -> None:
    proto = build_onnx(student_model)
    proto.graph.node.append(helper.make_node("Sin", ["landmarks"], ["waves"], name="waves"))
    with pytest.raises(UsageError, match="no Sin, which waves is: choose another format"):
        program_of(proto)
