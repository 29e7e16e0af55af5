"""NAME.adapter: an adapter and its manifest in one file, to send to a device.

It is a safetensors file whose metadata holds the manifest and the hash of the manifest; the
manifest holds the hash of the weights and of the core that they belong to. The hashes detect damage
and mix-ups. Tampering is detected by a signature, if there is one.

The signature is over the manifest's text. Through its two hashes it holds every name, shape and
value of the weights and of the core, also where these are read later. How a file stores them, their
order and precision, is not signed, and no landmark depends on it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmk.model.manifest import CoreReference, Manifest, parse_manifest
from lmk.model.weights import (
    add_metadata,
    content_sha256,
    load_metadata,
    load_weights,
    save_weights,
)
from lmk.system import signing
from lmk.system.errors import UsageError, WeightsError
from lmk.system.schema import NAME, SIGNATURE, WORDS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SUFFIX = ".adapter"
ENTRIES = {"manifest", "manifest_sha256", "signature"}


@dataclass(frozen=True)
class Bundle:
    """What an adapter file says of itself: its manifest, that as `text`, and its signature."""

    manifest: Manifest
    text: str
    signature: str | None

    @property
    def sha256(self) -> str:
        """SHA-256 of the manifest's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


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
    _check_weights(arrays, manifest)
    reference = CoreReference(core.name, core.weights_sha256)  # no path of this machine
    text = json.dumps(replace(manifest, core=reference).content())
    digest = hashlib.sha256(text.encode()).hexdigest()
    save_weights(path, arrays, {"manifest": text, "manifest_sha256": digest})
    return digest


def sign_bundle(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a signature into an adapter file, in place of an earlier one.

    Raises WeightsError for a file that is damaged, and OutputError.
    """
    bundle = read_bundle(path)
    _check_weights(load_weights(path), bundle.manifest)
    add_metadata(path, {"signature": signing.sign(_signed(bundle.text), key)})


def read_bundle(path: Path, signed_by: signing.PublicKey | None = None) -> Bundle:
    """Read and check a bundle's manifest, and its signature if it must be signed by a key.

    The weights are checked when they are loaded. Raises WeightsError, and UnavailableError when a
    signature cannot be checked without cryptography.
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
    signature = metadata.get("signature")
    if signature is not None and not re.fullmatch(SIGNATURE, signature):
        raise WeightsError(
            f"{path}: the signature is {signature[:60]!r}, expected {WORDS[SIGNATURE]}: get the "
            "file again from its origin"
        )
    if signed_by is not None:
        signing.require_signature(path, signature, _signed(text), signed_by)
        _refuse_unsigned(metadata, path)
    return Bundle(_parse(text, path), text, signature)


def _parse(text: str, path: Path) -> Manifest:
    """The manifest of an adapter, by a name that is no path of the machine that packed it."""
    manifest = parse_manifest(text, path)
    if manifest.core is None:
        raise WeightsError(f"{path} contains a {manifest.kind}, expected an adapter")
    if not re.fullmatch(NAME, manifest.core.model):
        raise WeightsError(
            f"{path}: core.model is {manifest.core.model[:60]!r}, expected {WORDS[NAME]}"
        )
    return replace(manifest, weights_file=path.name)


def _signed(text: str) -> bytes:
    """What is signed; its first line keeps it apart from all else that a key may sign."""
    return f"lmk adapter signature 1\n{text}".encode()


def _refuse_unsigned(metadata: Mapping[str, str], path: Path) -> None:
    if more := sorted(metadata.keys() - ENTRIES):
        raise WeightsError(
            f"{path} has metadata that nobody signed, {more[0][:60]!r}: get the file again from "
            "its origin"
        )


def _check_weights(arrays: Mapping[str, npt.NDArray[np.float32]], manifest: Manifest) -> None:
    if content_sha256(arrays) != manifest.weights_sha256:
        raise WeightsError(f"the weights of {manifest.name} do not match its manifest")
