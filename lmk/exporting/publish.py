"""The provenance of a written file, and the move of both into their folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lmk.artifact.catalogue import files_of
from lmk.artifact.provenance import Provenance, sidecar
from lmk.model.folder import Model
from lmk.system.files import beside, move, scratch_folder, sha256_of, writing
from lmk.system.lock import held
from lmk.system.onnx_package import ModelProto


def provenance_of(model: Model, proto: ModelProto, **known: Any) -> Provenance:
    """Provenance of a file made from a model's graph; `known` are fields that are not in these."""
    manifest, architecture = model.manifest, model.architecture
    return Provenance(
        name=manifest.name,
        num_landmarks=manifest.num_landmarks,
        weights_sha256=manifest.weights_sha256,
        core_sha256=manifest.core.sha256 if manifest.core else None,
        framing=manifest.framing,
        points=manifest.points,
        architecture=architecture.name,
        input_size=architecture.input_size,
        onnx_sha256=hashlib.sha256(proto.SerializeToString()).hexdigest(),
        **known,
    )


def hashes(path: Path) -> dict[str, str]:
    """SHA-256 by name of an exported file or folder, and of the second file of some formats."""
    return {one.name: sha256_of(one) for one in files_of(path)}


@contextmanager
def scratch(folder: Path, name: str) -> Iterator[Path]:
    """Give a temporary folder in `folder` to write a file of this name into; removes it at the end.

    The name may be a path below the folder. One process at a time writes the file; what one that
    was killed has left is removed first. Raises OutputError.
    """
    new, file = not folder.exists(), folder / Path(name).parts[0]
    try:
        with held(beside(file, "lock"), file), scratch_folder(beside(file, "partial")) as partial:
            yield partial
    finally:
        if new:
            with suppress(OSError):  # not empty: the export succeeded
                folder.rmdir()


def publish(written: Path, name: str, folder: Path, provenance: Provenance) -> None:
    """Move all that was written from its scratch folder into `folder`, with its provenance.

    name: of the exported file, from both folders on. Each file is replaced completely or not at
    all. The provenance comes last, so that an interrupted export is detected. Raises OutputError.
    """
    candidate = written / name
    sidecar(candidate).unlink(missing_ok=True)  # an engine's, from before it was verified
    for path in files_of(candidate):
        _move_below(path, written, folder)
    for path in sorted(path for path in written.rglob("*") if path.is_file()):  # a site's others
        _move_below(path, written, folder)
    provenance.write(folder / name)


def _move_below(path: Path, written: Path, folder: Path) -> None:
    target = folder / path.relative_to(written)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    move(path, target)
