from __future__ import annotations

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
