"""The writer of LiteRT files, converted from the ONNX graph, with metadata in them."""

from __future__ import annotations

from pathlib import Path

from lmk.artifact.litert.convert import to_litert
from lmk.artifact.litert.write import import_schema, write
from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.system.files import writing
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


def _require(_: ExportOptions) -> None:
    """Raise UnavailableError without LiteRT, which has the schema of such files."""
    import_schema()


def _write(proto: ModelProto, path: Path, options: ExportOptions, _: Reporter) -> Written:
    """Write `path`. For fp16 the kernels are stored in float16, and computed with in float32."""
    content = write(to_litert(proto, half_kernels=options.precision == "fp16"))
    with writing(path):
        path.write_bytes(content)
    return Written()


WRITER = Writer(_write, _require)
