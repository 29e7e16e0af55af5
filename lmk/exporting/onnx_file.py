"""The writer of ONNX files."""

from __future__ import annotations

from pathlib import Path

from lmk.artifact.onnx_model import save_onnx
from lmk.exporting.check_precision import conv_precisions, count
from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


def _write(proto: ModelProto, path: Path, _: ExportOptions, __: Reporter) -> Written:
    save_onnx(proto, path)
    return Written(count(conv_precisions(proto)))


WRITER = Writer(_write)
