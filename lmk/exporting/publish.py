"""Put a finished file in its place, with its provenance."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lmk.artifact.formats import files_of
from lmk.artifact.provenance import Provenance
from lmk.model.folder import Model
from lmk.system.files import replacing, sha256_of
from lmk.system.onnx_package import ModelProto


def describe(model: Model, proto: ModelProto, **known: Any) -> Provenance:
    """Provenance of a file made from a model's graph; `known` are fields that are not in these."""
    manifest, architecture = model.manifest, model.architecture
    return Provenance(
        name=manifest.name,
        num_landmarks=manifest.num_landmarks,
        weights_sha256=manifest.weights_sha256,
        core_sha256=manifest.core.sha256 if manifest.core else None,
        framing=manifest.framing,
        architecture=architecture.name,
        input_size=architecture.input_size,
        onnx_sha256=hashlib.sha256(proto.SerializeToString()).hexdigest(),
        **known,
    )


def hashes(file: Path) -> dict[str, str]:
    """SHA-256 of a file, and of the second one of some formats, by name."""
    return {one.name: sha256_of(one) for one in files_of(file)}


def install(candidate: Path, folder: Path, provenance: Provenance) -> None:
    """Copy a file, and the second one of some formats, into a folder.

    Each file is replaced completely or not at all. The provenance comes last, so that an
    interrupted export is detected. Raises OutputError.
    """
    for file in files_of(candidate):
        with replacing(folder / file.name) as temporary:
            temporary.write_bytes(file.read_bytes())
    provenance.write(folder / candidate.name)
