"""OpenVINO's own format, converted from the ONNX graph, with precision and metadata."""

from __future__ import annotations

from pathlib import Path

from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.system.errors import UnavailableError, missing_extra
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter
from lmk.system.runtime_packages import import_openvino


def _require(options: ExportOptions) -> None:
    """Raise UnavailableError for bfloat16 on a CPU that does not support it."""
    if options.precision != "bf16":
        return
    try:
        openvino = import_openvino()
    except ImportError as error:
        raise missing_extra("openvino", "run") from error
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in capabilities:
        raise UnavailableError(
            "this CPU does not support bfloat16, so the file cannot be verified here (OpenVINO "
            f"finds {', '.join(capabilities)}): choose --precision fp32 or int8"
        )


def _write(proto: ModelProto, path: Path, options: ExportOptions, _: Reporter) -> Written:
    """Write `path`, an .xml file, and the .bin file of its weights beside it.

    For fp16 the weights are stored in float16. The precision that the runtime computes in is chosen
    when the file is loaded, from its metadata. Raises UnavailableError without OpenVINO.
    """
    try:
        openvino = import_openvino()
        from openvino.frontend import FrontEndManager
    except ImportError as error:
        raise missing_extra("openvino", "run") from error
    front_end = FrontEndManager().load_by_framework("onnx")
    source = path.with_suffix(".onnx")
    source.write_bytes(proto.SerializeToString())
    try:
        network = front_end.convert(front_end.load(str(source)))
        openvino.save_model(network, str(path), compress_to_fp16=options.precision == "fp16")
    finally:
        source.unlink()
    return Written()


WRITER = Writer(_write, _require)
