from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lmk import Landmarker
from lmk.inference.backends import sharing
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.onnxruntime import GpuSession
from lmk.inference.backends.sharing import in_turns
from lmk.model.folder import Model
from lmk.system.errors import UsageError

BATCHES = [np.full((1, 128, 128, 3), grey, np.uint8) for grey in range(1, 13)]


class Device:
    """One place for a batch; its landmarks and scores are the first pixel's colour."""

    def upload(self, images: np.ndarray) -> None:
        self._images = images
        time.sleep(0.001)

    def compute(self) -> None:
        self._found = self._images[:, 0, 0]
        time.sleep(0.001)

    def download(self) -> Inferred:
        return inferred(self._found, self._found)


def test_threads_take_turns_on_a_device_that_holds_one_batch() -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(in_turns(Device()), BATCHES))
    assert [landmarks[0, 0] for landmarks, *_ in found] == list(range(1, 13))


def test_threads_take_turns_with_the_memory_of_onnxruntime(detector: Path) -> None:
    """On the CPU, where the same steps work. The score is mass / (mass + 1000)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(detector), providers=["CPUExecutionProvider"])
    run = in_turns(GpuSession(onnxruntime, session, device="cpu"))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(run, BATCHES))
    masses = 128 * 128 * np.arange(1, 13)
    scores = [scores[0, 0] for _, scores, _ in found]
    np.testing.assert_allclose(scores, masses / (masses + 1000), rtol=1e-6)


def test_a_runtime_that_does_not_survive_a_fork_says_how_to_start_processes(
    small_core: Model, detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.full((40, 50, 3), 90, np.uint8)
    landmarkers = [Landmarker(small_core.folder, "torch"), Landmarker(detector, "onnxruntime")]
    assert [len(landmarker(image).xy) for landmarker in landmarkers] == [1, 1]
    monkeypatch.setattr(sharing, "os", SimpleNamespace(getpid=lambda: -1))  # as in a forked one
    with pytest.raises(UsageError, match=r"forked.*get_context\('spawn'\)") as caught:
        landmarkers[0](image)
    assert "\n" not in str(caught.value)
    assert len(landmarkers[1](image).xy) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_onnxruntime_and_openvino_work_in_a_forked_process(detector: Path) -> None:
    program = f"""
import os, signal
import numpy as np
from lmk import Landmarker
image = np.full((150, 160, 3), 90, np.uint8)
for runtime in ("onnxruntime", "openvino"):
    landmarker = Landmarker({str(detector)!r}, runtime, region="cascade:face")
    boxes = [(4, 5, 60 + n, 70) for n in range(8)]
    expected = landmarker(image), landmarker(image, boxes)
    child = os.fork()
    if not child:
        signal.alarm(20)
        found = landmarker(image), landmarker(image, boxes)
        same = all(np.array_equal(f.xy, e.xy) for f, e in zip(found, expected))
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0, runtime
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
