"""OpenVINO's own format, converted from the ONNX graph; precision and metadata travel in it."""

from __future__ import annotations

from pathlib import Path

from lmk.system.errors import UnavailableError, missing_extra
from lmk.system.onnx_package import onnx


def require_bf16() -> None:
    """Raise UnavailableError unless this processor computes in bfloat16."""
    try:
        import openvino
    except ImportError as error:
        raise missing_extra("openvino", "run") from error
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in capabilities:
        raise UnavailableError(
            "this processor does not compute in bfloat16, so the file could not be verified here "
            f"(OpenVINO finds {', '.join(capabilities)}): choose --precision fp32 or int8"
        )


def save_ir(proto: onnx.ModelProto, path: Path, half_weights: bool) -> None:
    """Write `path`, an .xml file, and the .bin file of its weights beside it.

    With `half_weights` the weights are stored in float16; what is computed in is decided when the
    file is loaded, from its metadata. Raises UnavailableError without OpenVINO.
    """
    try:
        import openvino
        from openvino.frontend import FrontEndManager
    except ImportError as error:
        raise missing_extra("openvino", "run") from error
    front_end = FrontEndManager().load_by_framework("onnx")
    source = path.with_suffix(".onnx")
    source.write_bytes(proto.SerializeToString())
    try:
        network = front_end.convert(front_end.load(str(source)))
        openvino.save_model(network, str(path), compress_to_fp16=half_weights)
    finally:
        source.unlink()
