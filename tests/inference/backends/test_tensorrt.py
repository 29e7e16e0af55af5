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
from lmk.inference.backends import tensorrt
from lmk.inference.backends.tensorrt import TensorRtBackend


class Device:
    """Memory by address; as with CUDA's driver, a thread needs the context before it copies."""

    name, stream = "made", 0

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
        batch=BatchRange(1, 1, 1), precision="fp32", command="lmk export",
    )  # fmt: skip
    monkeypatch.setattr(tensorrt, "Cuda", lambda: device)
    monkeypatch.setattr(tensorrt, "load_bindings", lambda _: bindings)
    monkeypatch.setattr(tensorrt, "check_unchanged", lambda _: known)
    monkeypatch.setattr(tensorrt, "check_machine", lambda *_: None)
    (tmp_path / "made.engine").write_bytes(b"made")
    return TensorRtBackend(str(tmp_path / "made.engine"), "tensorrt")


def test_every_thread_gets_the_landmarks_of_its_own_pictures(backend: TensorRtBackend) -> None:
    batches = [np.full((2, 8, 8, 3), value, np.uint8) for value in range(1, 9)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(backend.infer, batches))
    for value, (landmarks, scores) in enumerate(found, 1):
        np.testing.assert_array_equal(landmarks, np.full((2, 3, 2), value))
        np.testing.assert_array_equal(scores, np.full((2, 3), value))
