"""The writer of ncnn files, a .param and a .bin."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from lmk.artifact.batch import BatchRange
from lmk.artifact.ncnn.from_onnx import ncnn_of
from lmk.artifact.ncnn.network import write_ncnn
from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.system.errors import UsageError, missing_extra
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


def _require(options: ExportOptions) -> None:
    """Raise UsageError for a batch, which ncnn does not have."""
    if options.batch.fixed not in (None, 1):
        raise UsageError(
            f"ncnn files take one picture at a time, and lmk runs any number: omit --batch "
            f"{options.batch.fixed}"
        )
    if options.reference and find_spec("ncnn") is None:
        raise missing_extra("ncnn", "ncnn")


def _write(proto: ModelProto, path: Path, options: ExportOptions, _: Reporter) -> Written:
    """Write the graph; for fp16 kernels are stored in float16, and computed with in float32."""
    write_ncnn(ncnn_of(proto, half=options.precision == "fp16"), path)
    return Written(batch=BatchRange(1, 1, 1))


WRITER = Writer(_write, _require)
