"""The writer of Core ML packages, which are verified where Core ML runs: on a Mac."""

from __future__ import annotations

import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from lmk.artifact.batch import BatchRange
from lmk.artifact.contract import check_signature
from lmk.artifact.coreml.package import (
    convolutions,
    read_specification,
    signature_of,
    write_package,
)
from lmk.artifact.coreml.program import program_of
from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.inference.backends.base import Backend
from lmk.system.errors import UnavailableError, UsageError, missing_extra
from lmk.system.files import writing
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter

MACOS = 13


def _require(options: ExportOptions) -> None:
    """Raise UsageError for a batch, which pictures do not have, and UnavailableError."""
    if options.batch.fixed not in (None, 1):
        raise UsageError(
            f"Core ML packages take one picture at a time: omit --batch {options.batch.fixed}, and "
            "give an app's pictures to  predictions(fromBatch:)"
        )
    if find_spec("coremltools") is None:
        raise _missing()


def _missing() -> UnavailableError:
    if sys.platform == "darwin" or (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return missing_extra("coremltools", "coreml")
    return UnavailableError(
        "coremltools, which writes Core ML packages, is for macOS, and for Linux on x86-64: export "
        "on one of these"
    )


def _write(proto: ModelProto, path: Path, _: ExportOptions, __: Reporter) -> Written:
    """Write the package, and read back what it is."""
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    with writing(path):
        write_package(program_of(proto), metadata, path)
    specification = read_specification(path)
    check_signature(signature_of(specification), path)
    return Written(convolutions(specification), BatchRange(1, 1, 1))


def _needs(_: ExportOptions) -> str:
    if sys.platform != "darwin":
        return "a Mac (Core ML runs on Apple hardware only)"
    version = platform.mac_ver()[0]
    return "" if int(version.partition(".")[0]) >= MACOS else f"macOS {MACOS} (this is {version})"


def _open(path: Path, _: ExportOptions) -> Backend:
    from lmk.inference.backends.coreml import CoreMlBackend

    return CoreMlBackend(path)


WRITER = Writer(_write, _require, _needs, _open)
