"""The graph's named points are those of `PointMap`, in every precision and for every batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from named_models import named_folder, random_map, searching_map
from onnx import TensorProto, helper

from lmk.architectures.nodes import Nodes
from lmk.artifact import graph_ends
from lmk.artifact.cached import cached_onnx
from lmk.artifact.onnx_model import GraphOptions, build_onnx, save_onnx, set_metadata
from lmk.exporting.export import export_model
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.model.points import NamedPoints, PointMap
from lmk.naming.features import find_features
from lmk.system.errors import WeightsError
from lmk.system.progress import Reporter

RUNTIMES = pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])


@pytest.fixture(scope="module")
def named(small_core: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return find_model(str(named_folder(small_core, tmp_path_factory.mktemp("named") / "feet")))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))


def pictures(count: int, side: int) -> np.ndarray:
    cells = np.random.default_rng(2).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return cells.repeat(side // 8, 1).repeat(side // 8, 2)


def in_graph(point_map: PointMap, xy: np.ndarray) -> np.ndarray:
    """Run only the nodes of the points."""
    nodes, shape = Nodes({}), list(xy.shape)
    graph_ends.points(nodes, "landmarks", point_map, [])
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", count, 2])
        for name, count in (("landmarks", shape[1]), ("points", point_map.count))
    ]
    graph = helper.make_graph(
        nodes.nodes, "points", values[:1], values[1:], list(nodes.initializers.values())
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(["points"], {"landmarks": xy})[0]


@pytest.mark.parametrize(("landmarks", "points"), [(7, 3), (2, 1), (10, 20)])
def test_points_of_turned_scaled_and_moved_landmarks(landmarks: int, points: int) -> None:
    random, point_map = np.random.default_rng(4), random_map(landmarks, points)
    xy = []
    for degrees, scale in ((0, 1), (35, 0.4), (-120, 1.2), (180, 0.7)):
        turn = np.deg2rad(degrees)
        rows = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        shape = point_map.mean + random.normal(0, 5, point_map.mean.shape)
        xy.append((shape - 60) @ rows + random.uniform(40, 80, 2))
    xy = np.array(xy, np.float32)
    found = in_graph(point_map, xy)
    assert np.ptp(found, axis=0).min() > 1  # the objects differ, so a mix-up of rows would show
    np.testing.assert_allclose(found, point_map(xy), atol=1e-3)


def test_points_of_landmarks_that_coincide_are_finite_and_the_same() -> None:
    point_map, xy = random_map(7, 3), np.full((2, 7, 2), 64, np.float32)
    found = in_graph(point_map, xy)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, point_map(xy), atol=1e-2)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("batch", [None, 2])
@RUNTIMES
def test_points_of_a_file_in_its_precision_and_batch(
    named: Model, tmp_path: Path, precision: str, batch: int | None, runtime: str
) -> None:
    proto = build_onnx(named, GraphOptions(precision, batch))
    kinds = {value.name: value.type.tensor_type.elem_type for value in proto.graph.output}
    assert kinds["points"] == TensorProto.FLOAT
    save_onnx(proto, tmp_path / "feet.onnx")
    backend = open_backend(str(tmp_path / "feet.onnx"), runtime)
    assert backend.points == named.points
    found = backend.infer(pictures(3, backend.input_size))
    assert found.points.shape == (3, 3, 2)
    assert found.points.dtype == np.float32
    np.testing.assert_allclose(found.points, named.point_map()(found.landmarks), atol=2e-3)


@pytest.fixture(scope="module")
def searched(student_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A student whose points are searched for in its features, 2 and 9 px about their place."""
    folder = tmp_path_factory.mktemp("searched") / "feet"
    found = searching_map(student_model, 3)
    return find_model(str(named_folder(student_model, folder, point_map=found)))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@RUNTIMES
def test_points_that_are_searched_for_are_those_of_the_network(
    searched: Model, tmp_path: Path, precision: str, runtime: str
) -> None:
    pytest.importorskip("torch")
    images = pictures(3, searched.architecture.input_size)
    expected = open_backend(str(searched.folder), "torch").infer(images)
    mapped = replace(searched.point_map(), search=None)(expected.landmarks)
    assert np.abs(expected.points - mapped).max() > 1  # the search moves them
    save_onnx(build_onnx(searched, GraphOptions(precision)), tmp_path / "feet.onnx")
    found = open_backend(str(tmp_path / "feet.onnx"), runtime).infer(images)
    atol = {"fp32": 2e-3, "fp16": 0.3}[precision]
    np.testing.assert_allclose(found.points, expected.points, atol=atol)


def test_features_are_those_that_the_detectors_see(searched: Model) -> None:
    images = pictures(2, searched.architecture.input_size)
    found = open_backend(str(searched.folder), "onnxruntime").infer(images)
    points = searched.point_map()(found.landmarks, find_features(searched, images))
    np.testing.assert_allclose(points, found.points, atol=2e-3)


def test_points_of_an_int8_file_are_of_float32(named: Model, tmp_path: Path) -> None:
    size = named.architecture.input_size
    options, samples = ExportOptions("onnx", "int8", reference=None), drawn_samples(size, 6)
    exported = export_model(named, tmp_path, options, samples, drawn_samples(size, 8), Reporter())
    point_nodes = [node for node in onnx.load(exported.path).graph.node if "points" in node.name]
    assert point_nodes
    assert not [node for node in point_nodes if "Quant" in node.op_type]
    found = open_backend(str(exported.path)).infer(pictures(2, size))
    np.testing.assert_allclose(found.points, named.point_map()(found.landmarks), atol=2e-3)


def test_renamed_points_are_another_file_in_the_cache(small_core: Model, tmp_path: Path) -> None:
    paths = []
    for names in ("abc", "abd", "abc"):
        folder = named_folder(small_core, tmp_path / "feet", names)
        paths.append(cached_onnx(str(folder)))
        assert open_backend(str(folder), "onnxruntime").points.names == tuple(names)
    assert paths[0] == paths[2] != paths[1]


@RUNTIMES
@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ("", "the names of 0 points, but its output points is float32"),
        (NamedPoints(tuple("abcd")).to_json(), r"the names of 4 points, .* float32 \(B, 3, 2\)"),
        ('{"names":["a","a","b"]}', "named points that this version of lmk does not read"),
        ("[3", "named points that this version of lmk does not read"),
    ],
)
def test_names_that_do_not_fit_the_output_are_refused(
    named: Model, tmp_path: Path, runtime: str, metadata: str, words: str
) -> None:
    proto = build_onnx(named)
    known = {entry.key: entry.value for entry in proto.metadata_props}
    set_metadata(proto, known | {"points": metadata})
    save_onnx(proto, tmp_path / "feet.onnx")
    with pytest.raises(WeightsError, match=words) as caught:
        open_backend(str(tmp_path / "feet.onnx"), runtime)
    assert "\n" not in str(caught.value)


@RUNTIMES
def test_names_without_an_output_are_refused(
    small_core: Model, tmp_path: Path, runtime: str
) -> None:
    proto = build_onnx(small_core)
    known = {entry.key: entry.value for entry in proto.metadata_props}
    set_metadata(proto, known | {"points": NamedPoints(("a",)).to_json()})
    save_onnx(proto, tmp_path / "feet.onnx")
    with pytest.raises(WeightsError, match="names of 1 points, but its output points is missing"):
        open_backend(str(tmp_path / "feet.onnx"), runtime)
