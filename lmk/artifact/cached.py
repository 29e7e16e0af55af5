"""Files of shipped models and run folders, folded once and cached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lmk.artifact.catalogue import FORMATS, files_of, format_of
from lmk.artifact.contract import unreadable
from lmk.artifact.provenance import check_readable, check_unchanged, sidecar
from lmk.model.folder import Model, find_model
from lmk.system.cache import Entry, key_of
from lmk.system.errors import WeightsError
from lmk.system.version import __version__

KEPT = 16  # files, of 25 MB each
MADE = ("onnx", "litert")
"""The formats in which lmk makes the file of a model when it is run."""


def cached_onnx(model: str) -> Path:
    """Return the float32 ONNX file of a model, as `cached_file` does."""
    return cached_file(model, "onnx")


def cached_file(model: str, format: str) -> Path:
    """Return the float32 file of a model in a format of `MADE`, made on first use.

    `model` is the name of a shipped model, a model or run folder, or an exported file, which is
    checked and returned. The last used files stay in the user's cache. Raises WeightsError,
    OutputError when the cache cannot be written, and UnavailableError without the format's package.
    """
    if format_of(model):
        return check_exported(Path(model))
    found, suffix = find_model(model), FORMATS[format].suffix
    entry = Entry(format, key_of(f"{__version__}/{found.exported_sha256}"), suffix, KEPT)
    return entry.find() or entry.add(make_file(found, format))


def make_file(model: Model, format: str) -> bytes:
    """Make the float32 file of a model in a format of `MADE`. Raises as `cached_file` does."""
    from lmk.artifact.onnx_model import build_onnx

    proto = build_onnx(model)
    if format == "onnx":
        return bytes(proto.SerializeToString())
    from lmk.artifact.litert.convert import to_litert
    from lmk.artifact.litert.write import write

    return write(to_litert(proto))


def check_exported(path: Path) -> Path:
    """Return the path of an exported file that is whole, and as it was written if that is known.

    One without provenance describes itself in its metadata, and may be of unknown origin. Raises
    WeightsError.
    """
    if not path.exists():
        raise WeightsError(f"{path} does not exist: export a file with  lmk export NAME -o DIR")
    for file in files_of(path):
        if file.exists():  # the runtime says what is missing
            check_readable(file)
    if sidecar(path).is_file():
        check_unchanged(path)
    if path.suffix == FORMATS["onnx"].suffix:
        _check_whole(path)
    return path


def _check_whole(path: Path) -> None:
    """Raise WeightsError for an ONNX file with weights in other files, which no hash covers."""
    data = path.read_bytes() if path.is_file() else b""
    if b"location" not in data:  # the key that names such a file; reading the graph takes longer
        return
    from lmk.system.onnx_package import ModelProto

    proto = ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:  # of protobuf, whose errors differ between its versions
        raise unreadable(path, error) from error
    if _names_files(proto):
        raise WeightsError(
            f"{path} has weights in other files: expected one whole file. Export it with  "
            "lmk export NAME -o DIR"
        )


def _names_files(message: Any) -> bool:
    """Whether a tensor anywhere in a graph, its functions and branches has its data elsewhere."""
    for field, value in message.ListFields():
        if field.name == "external_data":
            return True
        if field.message_type is not None:
            parts = [value] if hasattr(value, "ListFields") else value
            if any(_names_files(part) for part in parts):
                return True
    return False
