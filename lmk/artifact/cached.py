"""ONNX files of shipped models and run folders, folded once and cached."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from lmk.artifact.catalogue import format_of
from lmk.artifact.provenance import check_unchanged, sidecar
from lmk.model.folder import find_model
from lmk.system.errors import WeightsError
from lmk.system.files import cache_folder
from lmk.system.version import __version__

KEPT = 16  # files, of 25 MB each


def cached_onnx(model: str) -> Path:
    """Return the float32 ONNX file of a model, made on first use.

    `model` is the name of a shipped model, a model or run folder, or an exported file, which is
    checked and returned. The cache is in $LMK_CACHE or the user's cache folder; its file names
    contain the content hash, and the last used files are kept. Raises WeightsError, and OutputError
    when the cache cannot be written.
    """
    if format_of(model):
        return _unchanged(Path(model))
    found = find_model(model)
    identity = f"{__version__}/{found.exported_sha256}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:16]
    path = cache_folder() / f"{found.manifest.name}-{key}.onnx"
    if path.is_file():
        with suppress(OSError):  # a cache that may only be read
            path.touch()
    else:
        from lmk.artifact.onnx_model import build_onnx, save_onnx

        save_onnx(build_onnx(found), path)
        _forget_old(path.parent)
    return path


def _forget_old(folder: Path) -> None:
    """Delete all but the last used files, and incomplete files of killed processes."""
    with suppress(OSError):  # another process does the same
        files = sorted(folder.glob("*.onnx"), key=lambda file: file.stat().st_mtime)
        for file in files[:-KEPT]:
            file.unlink()


def _unchanged(path: Path) -> Path:
    """A file without provenance describes itself in its metadata, and may be of unknown origin."""
    if not path.exists():
        raise WeightsError(f"{path} does not exist: export a file with  lmk export NAME -o DIR")
    if sidecar(path).is_file():
        check_unchanged(path)
    return path
