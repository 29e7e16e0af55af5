"""NAME.adapter: an adapter and its manifest in one file, to send to a device.

It is a safetensors file whose metadata holds the manifest and the hash of the manifest; the
manifest holds the hash of the weights and of the core that they belong to. The hashes detect damage
and mix-ups. They are not a signature: they detect tampering only if the manifest's hash, which `lmk
adapter show` prints, is known from another source.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.model.manifest import CoreReference, Manifest, parse_manifest
from lmk.model.weights import content_sha256, load_metadata, save_weights
from lmk.system.errors import UsageError, WeightsError
from lmk.system.schema import NAME, WORDS

SUFFIX = ".adapter"


def pack(
    manifest: Manifest, arrays: Mapping[str, npt.NDArray[np.float32]], core: Manifest, path: Path
) -> str:
    """Write an adapter's bundle and return the manifest's hash.

    Raises UsageError for a name without the suffix, WeightsError when the model is not an adapter
    of this core or the weights do not match the manifest, and OutputError.
    """
    if path.suffix != SUFFIX:
        raise UsageError(f"expected a name that ends in {SUFFIX}, got {path.name}")
    if manifest.core is None or manifest.core.sha256 != core.weights_sha256:
        raise WeightsError(
            f"{manifest.name} is not an adapter of {core.name}: only adapters can be packed"
        )
    if content_sha256(arrays) != manifest.weights_sha256:
        raise WeightsError(f"the weights of {manifest.name} do not match its manifest")
    reference = CoreReference(core.name, core.weights_sha256)  # no path of this machine
    text = json.dumps(replace(manifest, core=reference).content())
    digest = hashlib.sha256(text.encode()).hexdigest()
    save_weights(path, arrays, {"manifest": text, "manifest_sha256": digest})
    return digest


def read_bundle(path: Path) -> tuple[Manifest, str]:
    """Read and check a bundle's manifest; return it with its hash.

    The weights are checked when they are loaded. Raises WeightsError.
    """
    metadata = load_metadata(path)
    text, digest = metadata.get("manifest"), metadata.get("manifest_sha256")
    if text is None or digest is None:
        raise WeightsError(
            f"{path} is not an adapter file: make one with  lmk adapter pack RUN -o NAME{SUFFIX}"
        )
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise WeightsError(
            f"the manifest of {path} was changed after it was packed: get the file again from its "
            "origin"
        )
    manifest = parse_manifest(text, path)
    if manifest.core is None:
        raise WeightsError(f"{path} contains a {manifest.kind}, expected an adapter")
    if not re.fullmatch(NAME, manifest.core.model):
        raise WeightsError(
            f"{path}: core.model is {manifest.core.model[:60]!r}, expected {WORDS[NAME]}"
        )
    return replace(manifest, weights_file=path.name), digest
