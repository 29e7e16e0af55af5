from __future__ import annotations

import subprocess
import sys


def test_openvino_is_loaded_without_its_telemetry() -> None:
    """Watched as sockets and files would be, from the first import on."""
    code = """
import sys
seen = []
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith("socket.") else None)
from lmk.system.openvino_package import import_openvino
openvino = import_openvino()
openvino.Core()
print(sys.modules["openvino_telemetry"], seen)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None []"
