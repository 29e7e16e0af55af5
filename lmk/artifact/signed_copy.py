"""A private copy of a signed model: what was verified is what a runtime reads, by its path."""

from __future__ import annotations

import shutil
from pathlib import Path

from lmk.artifact.cached import make_file
from lmk.artifact.catalogue import FORMATS, files_of, format_of
from lmk.artifact.provenance import check_unchanged, sidecar
from lmk.model.folder import find_model
from lmk.system.files import replacing, writing
from lmk.system.signing import PublicKey


def signed_copy(model: str, signed_by: PublicKey, folder: Path, made: str = "") -> Path:
    """Verify a model, copy it into a folder that nobody else can write, and return its path there.

    model: an exported file or an adapter file. made: the format of the file that the copy of an
    adapter is, empty for an adapter file. It is made anew: files in the cache are not signed.
    Raises WeightsError unless the model has a signature by this key and is unchanged, OutputError,
    and UnavailableError when a signature cannot be checked without cryptography.
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
    if made:
        target = folder / f"{path.stem}{FORMATS[made].suffix}"
        with replacing(target) as temporary:
            temporary.write_bytes(make_file(found, made))
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
