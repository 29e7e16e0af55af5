"""Import OpenVINO without its telemetry."""

from __future__ import annotations

import sys
from typing import Any


def import_openvino() -> Any:
    """Import openvino, which otherwise sends its use to a server unasked. Raises ImportError."""
    # It has a stand-in for where this package is not installed.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
