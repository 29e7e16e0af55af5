"""A finished file to its place, with its provenance."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from lmk.artifact.batch import BatchRange
from lmk.artifact.provenance import Provenance
from lmk.export.precision import conv_precisions, count
from lmk.model.folder import Model
from lmk.system.files import replacing, sha256_of
from lmk.system.onnx_package import ModelProto


def describe(model: Model, proto: ModelProto, format: str, precision: str) -> Provenance:
    """Provenance of a file made from a model's graph, as far as model and graph tell it."""
    manifest = model.manifest
    return Provenance(
        format=format,
        precision=precision,
        name=manifest.name,
        num_landmarks=manifest.num_landmarks,
        weights_sha256=manifest.weights_sha256,
        framing=model.manifest.framing,
        input_size=model.architecture.input_size,
        core_sha256=manifest.core.sha256 if manifest.core else None,
        onnx_sha256=hashlib.sha256(proto.SerializeToString()).hexdigest(),
        batch=BatchRange(),
        layers=count(conv_precisions(proto)),
        command="",
    )


def install(candidate: Path, folder: Path, provenance: Provenance) -> Provenance:
    """Copy a file, and OpenVINO's weights beside it, into a folder, each whole or not at all.

    The provenance comes last, so that an export that was cut short is noticed. Returns it with the
    files' hashes. Raises OutputError.
    """
    weights = candidate.with_suffix(".bin")
    files = [candidate, weights] if weights.is_file() else [candidate]
    provenance = replace(provenance, files={file.name: sha256_of(file) for file in files})
    for file in files:
        with replacing(folder / file.name) as temporary:
            temporary.write_bytes(file.read_bytes())
    provenance.write(folder / candidate.name)
    return provenance
