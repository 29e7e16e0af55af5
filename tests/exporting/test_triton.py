"""Exports of the format triton, held against Triton's own schema, and served over its protocol."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from named_models import named_folder

pytest.importorskip("tritonclient", reason="needs pip install 'tritonclient[grpc]'")

import grpc
from google.protobuf import text_format
from tritonclient.grpc import InferenceServerClient, model_config_pb2, service_pb2
from tritonclient.grpc.service_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

import lmk
from lmk.artifact.provenance import check_unchanged
from lmk.data.photograph import PHOTOGRAPH, photograph
from lmk.model.folder import Model
from lmk.system.errors import ParityError, UsageError
from lmk.system.files import sha256_of

EXAMPLES = Path(__file__).parents[2] / "tools" / "examples"
BOXES = [[165.5, 62.0, 118.0, 118.0], [150.0, 70.0, 140.0, 100.0], [-20.0, 30.0, 90.0, 80.0]]


def parsed(file: Path) -> model_config_pb2.ModelConfig:
    """Raises ParseError for a field, a type or a word that Triton does not know."""
    return text_format.Parse(file.read_text(), model_config_pb2.ModelConfig())


def tensors(values) -> dict[str, tuple[str, list[int]]]:
    name = model_config_pb2.DataType.Name
    return {value.name: (name(value.data_type), list(value.dims)) for value in values}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    exported = lmk.export("faces-tiny", folder, "triton", reference="onnx")
    assert exported.path == folder / "faces-tiny" / "1" / "model.onnx"
    assert exported.parity
    assert exported.parity.max_px < 0.05
    return folder


def test_the_repository_has_the_configuration_the_model_and_its_provenance(repository) -> None:
    files = {path.relative_to(repository).as_posix() for path in repository.rglob("*.*")}
    assert files == {
        f"faces-tiny/{n}" for n in ("config.pbtxt", "1/model.onnx", "1/model.onnx.json")
    }
    known = check_unchanged(repository / "faces-tiny" / "1" / "model.onnx")
    assert (known.format, known.name, known.precision) == ("triton", "faces-tiny", "fp32")
    assert known.files == {"model.onnx": sha256_of(repository / "faces-tiny/1/model.onnx")}
    assert known.command == (
        "lmk export faces-tiny -o DIR -f triton --precision fp32 --reference onnx"
    )


def test_the_configuration_is_one_of_tritons_schema_and_that_of_the_model(repository) -> None:
    config = parsed(repository / "faces-tiny" / "config.pbtxt")
    assert config.name == "faces-tiny"
    assert config.backend == "onnxruntime"
    assert config.default_model_filename == "model.onnx"
    assert config.max_batch_size == 64
    assert tensors(config.input) == {"images": ("TYPE_UINT8", [128, 128, 3])}
    assert tensors(config.output) == {
        "landmarks": ("TYPE_FP32", [10, 2]),
        "scores": ("TYPE_FP32", [10]),
    }
    assert config.HasField("dynamic_batching")
    assert config.dynamic_batching.max_queue_delay_microseconds == 1000
    (group,) = config.instance_group
    assert (group.count, group.kind) == (1, model_config_pb2.ModelInstanceGroup.KIND_AUTO)
    assert [one.batch_size for one in config.model_warmup] == [1, config.max_batch_size]
    for one in config.model_warmup:
        assert one.inputs.keys() == {"images"}
        assert list(one.inputs["images"].dims) == [128, 128, 3]
        assert one.inputs["images"].zero_data
        assert one.inputs["images"].data_type == model_config_pb2.TYPE_UINT8


def test_named_points_and_heatmaps_are_outputs_too(student_model: Model, tmp_path: Path) -> None:
    model = named_folder(student_model, tmp_path / "named")
    exported = lmk.export(
        model, tmp_path / "out", "triton", "fp16", heatmaps=True, reference="onnx"
    )
    assert exported.path == tmp_path / "out" / "named-fp16" / "1" / "model.onnx"
    config = parsed(tmp_path / "out" / "named-fp16" / "config.pbtxt")
    assert config.name == "named-fp16"
    session = onnxruntime.InferenceSession(str(exported.path))
    assert tensors(config.output) == {
        value.name: ("TYPE_FP32", value.shape[1:]) for value in session.get_outputs()
    }
    assert {"points", "heatmaps"} < {value.name for value in config.output}


def test_an_export_beside_another_and_one_again(repository: Path) -> None:
    (repository / "faces-tiny" / "config.pbtxt").write_text("older")
    lmk.export("faces-tiny", repository, "triton", reference=None)
    assert parsed(repository / "faces-tiny" / "config.pbtxt").name == "faces-tiny"
    lmk.export("cats-small", repository, "triton", reference=None)
    assert sorted(path.name for path in repository.iterdir()) == ["cats-small", "faces-tiny"]


def test_a_fixed_batch_is_refused_and_a_model_that_differs_leaves_nothing(
    tmp_path: Path, monkeypatch
) -> None:
    with pytest.raises(UsageError, match="batches of 1 to 64: omit --batch"):
        lmk.export("faces-tiny", tmp_path / "out", "triton", batch=4, reference=None)

    def fail(*_: object) -> None:
        raise ParityError("differs")

    monkeypatch.setattr("lmk.exporting.verify.require_parity", fail)
    with pytest.raises(ParityError):
        lmk.export("faces-tiny", tmp_path / "out", "triton", reference="onnx")
    assert not list(tmp_path.iterdir())


class Server(GRPCInferenceServiceServicer):
    """Answers as Triton does, with a model repository; refuses what the configuration refuses."""

    def __init__(self, folder: Path) -> None:
        self.config, self.batches = parsed(folder / "config.pbtxt"), list[int]()
        self._session = onnxruntime.InferenceSession(
            str(folder / "1" / self.config.default_model_filename)
        )

    def ModelConfig(self, request, _):  # noqa: N802
        assert request.name == self.config.name
        return service_pb2.ModelConfigResponse(config=self.config)

    def ModelInfer(self, request, _):  # noqa: N802
        (given,) = request.inputs
        assert (given.name, given.datatype) == ("images", "UINT8")
        assert list(given.shape[1:]) == list(self.config.input[0].dims)
        assert 1 <= given.shape[0] <= self.config.max_batch_size
        self.batches.append(given.shape[0])
        images = np.frombuffer(request.raw_input_contents[0], np.uint8).reshape(given.shape)
        answer = service_pb2.ModelInferResponse(model_name=request.model_name)
        for tensor in self.config.output:
            (found,) = self._session.run([tensor.name], {"images": images})
            assert found.shape[1:] == tuple(tensor.dims)
            answer.outputs.add(name=tensor.name, datatype="FP32", shape=found.shape)
            answer.raw_output_contents.append(found.tobytes())
        return answer


@pytest.fixture
def served(repository: Path) -> Iterator[tuple[str, Server]]:
    server, servicer = grpc.server(ThreadPoolExecutor(2)), Server(repository / "faces-tiny")
    add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}", servicer
    server.stop(None)


def test_the_client_finds_what_a_landmarker_finds(served, monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import triton_client

    url, servicer = served
    with InferenceServerClient(url) as client:
        landmarker = triton_client.TritonLandmarker(client, "faces-tiny")
        found = landmarker(photograph(), 24 * BOXES)
    expected = lmk.Landmarker("faces-tiny", "onnxruntime")(photograph(), BOXES)
    assert servicer.batches == [64, 8]
    np.testing.assert_allclose(found.xy, np.tile(expected.xy, (24, 1, 1)), atol=0.05)
    np.testing.assert_allclose(found.scores, np.tile(expected.score, (24, 1)), atol=0.01)

    triton_client.main(
        [str(PHOTOGRAPH), "--model", "faces-tiny", "--url", url, "--box", "165.5,62,118,118"]
    )
    lines = capsys.readouterr().out.splitlines()
    (x, y), score = expected.xy[0, 3], expected.score[0, 3]
    assert len(lines) == 10
    words = lines[3].removeprefix("box 0, landmark 3: ").replace(", score", "").split()
    np.testing.assert_allclose([float(word) for word in words], [x, y, score], atol=0.1)
    del sys.modules["triton_client"]
