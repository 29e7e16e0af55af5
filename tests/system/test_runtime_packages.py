from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lmk.system.runtime_packages import import_onnxruntime


def test_openvino_is_loaded_without_its_telemetry() -> None:
    """Watched as sockets and files would be, from the first import on."""
    code = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith("socket.") else None)
from lmk.system.runtime_packages import import_openvino
openvino = import_openvino()
openvino.Core()
print(sys.modules["openvino_telemetry"], seen)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None []"


def test_onnxruntime_is_told_to_send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    told = []
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: told.append("off"))
    assert import_onnxruntime() is onnxruntime
    assert told == ["off"]


def test_ncnn_is_loaded_with_threads_that_do_not_spin_and_nothing_else_is() -> None:
    code = """
import os
from lmk.system.runtime_packages import import_ncnn
import_ncnn()
print("OMP_WAIT_POLICY" in os.environ)
"""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    environment["OMP_DISPLAY_ENV"] = "true"  # GNU's OpenMP then says what it read
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"
    if "OMP_WAIT_POLICY" not in done.stderr:
        pytest.skip("ncnn is not built with GNU's OpenMP here")
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr
