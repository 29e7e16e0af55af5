"""One call of an ONNX file on the processor, for checks; the runtime has its own backends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.errors import missing_extra


def run_onnx(path: Path, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Landmarks (B, K, 2) in input pixels for uint8 RGB images (B, 128, 128, 3)."""
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_extra("onnxruntime", "run") from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["landmarks"], {"images": images})[0]  # type: ignore[no-any-return]
