"""Engines from several threads, on a device made for the test."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from lmk.artifact.batch import BatchRange
from lmk.artifact.provenance import Provenance, sidecar, sign_exported
from lmk.inference.backends import tensorrt
from lmk.inference.backends.select import open_backend
from lmk.inference.backends.tensorrt import TensorRtBackend
from lmk.system.errors import WeightsError
from lmk.system.files import sha256_of
from lmk.system.signing import make_keys, read_private_key


class Device:
    """Memory by address; as with CUDA's driver, a thread needs the context before it copies."""

    name, stream, compute_capability = "made", 0, "8.6"

    def __init__(self) -> None:
        self.memory: list[np.ndarray] = []
        self._current = threading.local()
        self.make_current()

    def make_current(self) -> None:
        self._current.context = True

    def allocate(self, size: int) -> int:
        self.memory.append(np.zeros(size, np.uint8))
        return len(self.memory) - 1

    def upload(self, array: np.ndarray, address: int) -> None:
        assert self._current.context
        self.memory[address][: array.nbytes] = array.reshape(-1)
        time.sleep(0.001)

    def download(self, address: int, array: np.ndarray) -> None:
        assert self._current.context
        array[...] = self.memory[address][: array.nbytes].view(np.float32).reshape(array.shape)

    def synchronize(self) -> None:
        time.sleep(0.001)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TensorRtBackend:
    """An engine that answers the value of the first pixel, for one picture at a time."""
    device, bindings = Device(), MagicMock(__version__="10")

    def execute(_: int) -> bool:
        for address, count in ((1, 6), (2, 3)):
            device.memory[address][: 4 * count].view(np.float32)[:] = device.memory[0][0]
        return True

    context = bindings.Runtime().deserialize_cuda_engine().create_execution_context()
    context.execute_async_v3.side_effect = execute
    known = SimpleNamespace(
        format="tensorrt", layers={}, num_landmarks=3, input_size=8, framing=None, gpu=None,
        points=None, batch=BatchRange(1, 1, 1), precision="fp32", command="lmk export",
    )  # fmt: skip
    monkeypatch.setattr(tensorrt, "Cuda", lambda: device)
    monkeypatch.setattr(tensorrt, "load_bindings", lambda _: bindings)
    monkeypatch.setattr(tensorrt, "read_unchanged", lambda _: (known, b"made"))
    monkeypatch.setattr(tensorrt, "check_machine", lambda *_: None)
    (tmp_path / "made.engine").write_bytes(b"made")
    return TensorRtBackend(str(tmp_path / "made.engine"), "tensorrt")


def test_every_thread_gets_the_landmarks_of_its_own_pictures(backend: TensorRtBackend) -> None:
    batches = [np.full((2, 8, 8, 3), value, np.uint8) for value in range(1, 9)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(backend.infer, batches))
    for value, (landmarks, scores, points) in enumerate(found, 1):
        np.testing.assert_array_equal(landmarks, np.full((2, 3, 2), value))
        np.testing.assert_array_equal(scores, np.full((2, 3), value))
        assert points.shape == (2, 0, 2)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    """An engine file with its provenance; its content is of no TensorRT."""
    path = tmp_path / "made.plan"
    path.write_bytes(b"code")
    known = Provenance(
        format="tensorrt", precision="fp32", name="made", num_landmarks=3,
        weights_sha256=64 * "a", core_sha256=None, onnx_sha256=64 * "b",
        batch=BatchRange(1, 1, 1), layers={}, command="lmk export a -o DIR -f tensorrt",
        files={path.name: sha256_of(path)},
    )  # fmt: skip
    known.write(path)
    return path


@pytest.fixture
def deserialised(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What TensorRT was given to deserialise."""
    given: list[bytes] = []
    bindings = MagicMock(__version__="10")
    bindings.Runtime().deserialize_cuda_engine.side_effect = lambda content: (
        given.append(content) or MagicMock()
    )
    monkeypatch.setattr(tensorrt, "Cuda", Device)
    monkeypatch.setattr(tensorrt, "load_bindings", lambda _: bindings)
    return given


def test_an_engine_is_deserialised_only_if_its_provenance_holds(
    engine: Path, deserialised: list[bytes]
) -> None:
    open_backend(str(engine))
    assert deserialised == [b"code"]
    deserialised.clear()
    text = sidecar(engine).read_text()
    engine.write_bytes(b"c0de")
    with pytest.raises(WeightsError, match="was changed after its export"):
        open_backend(str(engine))
    engine.write_bytes(b"code")
    sidecar(engine).write_text(text.replace('"made.plan"', '"other.plan"'))
    with pytest.raises(WeightsError, match=r"the provenance of other\.plan"):
        open_backend(str(engine))
    sidecar(engine).unlink()
    with pytest.raises(WeightsError, match="is missing beside it"):
        open_backend(str(engine))
    assert deserialised == []


def test_where_a_signature_is_required_an_engine_without_one_is_not_deserialised(
    engine: Path, deserialised: list[bytes]
) -> None:
    key, other = (make_keys(engine.with_name(name)) for name in ("me", "other"))
    with pytest.raises(WeightsError, match=r"made\.plan is not signed"):
        open_backend(str(engine), signed_by=key)
    sign_exported(engine, read_private_key(engine.with_name("me.key")))
    with pytest.raises(WeightsError, match=r"made\.plan is signed by"):
        open_backend(str(engine), signed_by=other)
    assert deserialised == []
    open_backend(str(engine), signed_by=key)
    assert deserialised == [b"code"]
