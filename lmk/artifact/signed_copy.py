"""A private copy of a signed model: what was verified is what a runtime reads, by its path."""

from __future__ import annotations

import shutil
from pathlib import Path

from lmk.artifact.catalogue import files_of, format_of
from lmk.artifact.provenance import check_unchanged, sidecar
from lmk.model.folder import find_model
from lmk.system.files import writing
from lmk.system.signing import PublicKey


def signed_copy(model: str, signed_by: PublicKey, folder: Path, as_onnx: bool) -> Path:
    """Verify a model, copy it into a folder that nobody else can write, and return its path there.

    model: an exported file or an adapter file, whose copy may be the ONNX file that it is folded
    into. That is made anew: files in the cache are not signed. Raises WeightsError unless the model
    has a signature by this key and is unchanged, OutputError, and UnavailableError when a signature
    cannot be checked without cryptography.
    """
    path = Path(model)
    target = folder / path.name
    if format_of(path):
        check_unchanged(path, signed_by)
        for file in (sidecar(path), *files_of(path)):
            _copy(file, folder / file.name)
        check_unchanged(target, signed_by)  # the files may have been replaced in between
        return target
    found = find_model(model, signed_by)
    if as_onnx:
        from lmk.artifact.onnx_model import build_onnx, save_onnx

        target = folder / f"{path.stem}.onnx"
        save_onnx(build_onnx(found), target)
        return target
    _copy(path, target)
    find_model(str(target), signed_by)
    return target


def _copy(source: Path, target: Path) -> None:
    with writing(target):
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
