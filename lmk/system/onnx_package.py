"""Import onnx; if it is missing, the error names the remedy."""

from __future__ import annotations

from lmk.system.errors import missing_extra

try:
    import onnx
    from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference
except ImportError as error:
    raise missing_extra("onnx", "run") from error

__all__ = [
    "ModelProto",
    "NodeProto",
    "TensorProto",
    "helper",
    "numpy_helper",
    "onnx",
    "shape_inference",
]
