from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from colour_detector import dots_image, save_detector

from lmk.bench.stages import STAGES, timed_pass
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.onnxruntime import GpuSession, OnnxRuntimeBackend
from lmk.inference.backends.select import open_backend
from lmk.system.errors import UsageError

SLEEPS = {"upload": 0.02, "compute": 0.05, "download": 0.01}


class Device:
    """Takes a known time for each step."""

    def upload(self, images: np.ndarray) -> None:
        time.sleep(SLEEPS["upload"])
        self.count = len(images)

    def compute(self) -> None:
        time.sleep(SLEEPS["compute"])

    def download(self) -> Inferred:
        time.sleep(SLEEPS["download"])
        shape = self.count, 3
        return inferred(np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32))


class OnDevice:
    input_size = 128
    transfers = Device()


def test_the_stages_of_a_device_are_told_apart_and_make_up_the_whole() -> None:
    found = timed_pass(OnDevice(), np.zeros((70, 90, 3), np.uint8))
    assert tuple(found) == STAGES
    names = ("host_to_device", "inference", "device_to_host")
    for name, step in zip(names, SLEEPS, strict=True):
        assert found[name] == pytest.approx(1000 * SLEEPS[step], rel=0.5, abs=5)
    assert found["end_to_end"] == pytest.approx(sum(found[name] for name in STAGES[:-1]))


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_the_processor_has_no_copies(tmp_path: Path, runtime: str) -> None:
    backend = open_backend(str(save_detector(tmp_path / "dots.onnx")), runtime)
    found = timed_pass(backend, np.full((70, 90, 3), 9, np.uint8))
    assert set(found) == {"pre_processing", "inference", "decode", "end_to_end"}
    assert found["end_to_end"] >= found["inference"] > 0


def test_inputs_and_outputs_that_stay_on_a_device_give_the_same_landmarks(tmp_path: Path) -> None:
    path = save_detector(tmp_path / "dots.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    steps = GpuSession(onnxruntime, session, device="cpu")
    plain = OnnxRuntimeBackend(str(path), "cpu")
    for points in ([[20, 30], [90, 40], [60, 100]], [[70, 80], [33, 21], [5, 99]]):
        images = np.stack([dots_image((128, 128), np.array(points))] * 2)
        images[1] = images[1, ::-1]
        steps.upload(images)
        steps.compute()
        for actual, expected in zip(steps.download(), plain.infer(images), strict=True):
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_openvino_takes_the_threads_that_it_is_told(tmp_path: Path, threads: int) -> None:
    path = str(save_detector(tmp_path / "dots.onnx"))
    backend = open_backend(path, "openvino", threads=threads)
    assert backend._compiled.get_property("INFERENCE_NUM_THREADS") == threads


def test_onnxruntime_takes_the_threads_that_it_is_told(tmp_path: Path) -> None:
    path = str(save_detector(tmp_path / "dots.onnx"))
    backend = open_backend(path, "onnxruntime", threads=3)
    assert backend._session.get_session_options().intra_op_num_threads == 3


def test_threads_are_for_the_processor() -> None:
    with pytest.raises(UsageError, match="threads are for the CPU"):
        open_backend("faces", "onnxruntime", "cuda", 2)
