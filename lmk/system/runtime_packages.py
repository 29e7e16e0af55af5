"""Import inference runtimes; none may send its use to a server unasked, nor waste the cores."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from lmk.system.errors import missing_extra


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


def import_coremltools() -> Any:
    """Import coremltools without its remarks on what it does not need. Raises UnavailableError."""
    # On Linux, that the libraries of a Mac are not there; elsewhere, that torch is newer than it.
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import coremltools
    except ImportError as error:
        raise missing_extra("coremltools", "coreml") from error
    finally:
        logger.setLevel(level)
    return coremltools


def import_ncnn() -> Any:
    """Import ncnn, whose threads wait without spinning. Raises ImportError."""
    # Its OpenMP asks for this once, when it is loaded. Beside a busy process one spinning thread
    # waits for another that has no core: a picture of 3 ms took 14 ms, some 900 ms.
    policy = "OMP_WAIT_POLICY"
    unset = policy not in os.environ
    os.environ.setdefault(policy, "PASSIVE")
    try:
        import ncnn
    finally:
        if unset:
            del os.environ[policy]
    return ncnn
