"""The interface of a file format: a module with a WRITER, named in the table of formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import load
from lmk.exporting.options import ExportOptions, check_options
from lmk.inference.backends.base import Backend
from lmk.inference.backends.select import open_backend
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class Written:
    """What is only known after writing.

    layers: number of convolutions per precision, read back from the file; None if only the runtime
    can read it. batch, gpu: what an engine was built for.
    """

    layers: dict[str, int] | None = None
    batch: BatchRange | None = None
    gpu: dict[str, str] | None = None


def _in_first_runtime(path: Path, options: ExportOptions) -> Backend:
    return open_backend(str(path), options.file_format.runtimes[0])


@dataclass(frozen=True)
class Writer:
    """How files of a format are written.

    write: makes the file at a path from an ONNX graph, and what belongs to it in the same folder.
    require: raises UnavailableError, before any work, if such a file cannot be written or verified
    here. needs: what is missing here to run the file, in words, empty if nothing is; its graph is
    then verified in ONNX Runtime instead. open: opens the file to verify it; by default the first
    runtime of its format does. check_place: raises OutputError, before any work, for a folder in
    which it would replace what is not its own. clear: called with the folder of what was written
    and the one that it moves to; removes there what an earlier export wrote and this one does not.
    """

    write: Callable[[ModelProto, Path, ExportOptions, Reporter], Written]
    require: Callable[[ExportOptions], None] = lambda _: None
    needs: Callable[[ExportOptions], str] = lambda _: ""
    open: Callable[[Path, ExportOptions], Backend] = _in_first_runtime
    check_place: Callable[[Path], None] = lambda _: None
    clear: Callable[[Path, Path], None] = lambda *_: None


def check_export(options: ExportOptions, calibrated: bool) -> Writer:
    """Return the chosen format's writer if it can write this here.

    Raises UsageError for options that do not go together, and UnavailableError.
    """
    check_options(options, calibrated)
    writer: Writer = load(options.file_format.writer)
    writer.require(options)
    return writer
