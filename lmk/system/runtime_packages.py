"""Import inference runtimes, and let none of them send its use to a server unasked."""

from __future__ import annotations

import sys
from typing import Any


def import_onnxruntime() -> Any:
    """Import onnxruntime without its telemetry. Raises ImportError."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def import_openvino() -> Any:
    """Import openvino without its telemetry. Raises ImportError."""
    # It has a stand-in for where this package is not installed.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
