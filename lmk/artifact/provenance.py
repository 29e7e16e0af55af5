"""The provenance of an exported file: a JSON file beside it, and the check that both match."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from lmk.architectures.catalogue import DEFAULT
from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import FORMATS, PACKAGES, PRECISIONS, files_of, second_file
from lmk.model.framing import Framing
from lmk.model.manifest import LandmarkCount
from lmk.model.points import NamedPoints
from lmk.system import signing
from lmk.system.errors import WeightsError
from lmk.system.files import replacing, sha256_of
from lmk.system.machine import installed_versions
from lmk.system.reading import MB, check_regular, read_bytes, read_text, reason_of
from lmk.system.schema import (
    Count,
    FileName,
    Name,
    PictureSide,
    Sha256,
    Signature,
    parse_json,
    read_as,
)
from lmk.system.version import __version__

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEMA_VERSION = 1
MOST_BYTES, MOST_EXPORTED_BYTES = 4 * MB, 4000 * MB
TOOLS = ("numpy", "onnx", "coremltools", *PACKAGES)


@dataclass(frozen=True)
class Provenance:
    """The provenance of one exported file.

    files: SHA-256 by name of the file, and of the second one of some formats.
    precision: as requested. layers: as read back from the file, the number of convolutions per
    precision. gpu: the device that an engine was built for. parity: differences of landmarks in
    input pixels, None if not measured. framing, points: of the model. input_size: side of the
    network's input. architecture: of the network. command: builds the file again. signature: over
    all other fields, None for a file that was not signed.
    """

    format: str
    precision: str
    name: Name
    num_landmarks: LandmarkCount
    weights_sha256: Sha256
    core_sha256: Sha256 | None
    onnx_sha256: Sha256
    batch: BatchRange
    layers: dict[str, Count]
    command: Annotated[str, Meta(max_length=4000)]
    files: dict[FileName, Sha256] = field(default_factory=dict)
    kept_in_float: list[str] = field(default_factory=list)
    gpu: dict[str, str] | None = None
    framing: Framing | None = None
    # Files of before these two were written are all of one architecture and size.
    architecture: str = DEFAULT
    input_size: PictureSide = 128
    points: NamedPoints | None = None
    parity: dict[str, Any] | None = None
    tools: dict[str, str] = field(default_factory=lambda: tool_versions())
    created: str = field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    signature: Signature | None = None
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Raise ValueError for words that this version of lmk does not know."""
        if self.format not in FORMATS:
            raise ValueError(f"format is {self.format!r:.60}, expected one of {', '.join(FORMATS)}")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision is {self.precision!r:.60}, expected one of {', '.join(PRECISIONS)}"
            )
        # Messages tell the user to run it.
        words = shlex.split(self.command)
        if words[:1] != ["lmk"] or shlex.join(words) != self.command:
            raise ValueError(f"command is {self.command!r:.60}, expected one of lmk")

    def write(self, file: Path) -> None:
        """Write the provenance beside an exported file. Raises OutputError."""
        content = asdict(self)
        for later in ("signature", "points"):  # which earlier versions of lmk do not know
            if content[later] is None:
                del content[later]
        _write(content, file)


def sidecar(file: Path) -> Path:
    """Path of the provenance of an exported file."""
    return file.with_name(file.name + ".json")


def read_provenance(file: Path, signed_by: signing.PublicKey | None = None) -> Provenance:
    """Read the provenance of an exported file, which may have to be signed by a key.

    Raises WeightsError if it is missing, broken or not signed so, and UnavailableError when a
    signature cannot be checked without cryptography.
    """
    content, provenance = _read(file)
    if signed_by is not None:
        signing.require_signature(file, provenance.signature, _signed(content), signed_by)
    return provenance


def check_unchanged(file: Path, signed_by: signing.PublicKey | None = None) -> Provenance:
    """Return a file's provenance, and check that the file is unchanged.

    Raises what `read_provenance` raises, and WeightsError for a file that was changed.
    """
    provenance = read_provenance(file, signed_by)
    _check_files(file, provenance)
    return provenance


def read_unchanged(file: Path) -> tuple[Provenance, bytes]:
    """As `check_unchanged`, with the file's bytes: those of its hash, whoever writes meanwhile."""
    provenance = check_unchanged(file)
    try:
        content = read_bytes(file, MOST_EXPORTED_BYTES)
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {reason_of(error)}") from error
    if hashlib.sha256(content).hexdigest() != provenance.files[file.name]:
        raise _changed(file, file, provenance)
    return provenance, content


def sign_exported(file: Path, key: Ed25519PrivateKey) -> None:
    """Write a signature into a file's provenance, in place of an earlier one.

    It is over all else that the provenance says, with the SHA-256 of the file. Raises WeightsError
    for a file that was changed, and OutputError.
    """
    content, provenance = _read(file)
    _check_files(file, provenance)
    _write(content | {"signature": signing.sign(_signed(content), key)}, file)


def _write(content: Mapping[str, Any], file: Path) -> None:
    with replacing(sidecar(file)) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def _read(file: Path) -> tuple[dict[str, Any], Provenance]:
    """The provenance of a file, as it is written and as it is used."""
    path = sidecar(file)
    try:
        content = read_as(dict[str, Any], parse_json(read_text(path, MOST_BYTES)))
        if (version := content.get("schema_version")) != SCHEMA_VERSION:
            raise ValueError(f"schema_version is {version!r:.20}, expected {SCHEMA_VERSION}")
        return content, read_as(Provenance, content)
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path.name}, the provenance of {file}, is missing beside it: copy both files, or run "
            " lmk export  again"
        ) from error
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is not a provenance that this version of lmk reads ({reason_of(error)}): run  "
            "lmk export  again"
        ) from error


def _signed(content: Mapping[str, Any]) -> bytes:
    """What is signed; its first line keeps it apart from all else that a key may sign.

    Of the content as it is written: a field that a later version of lmk adds changes nothing in it.
    """
    fields = {name: value for name, value in content.items() if name != "signature"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return f"lmk export signature 1\n{text}".encode()


def _check_files(file: Path, provenance: Provenance) -> None:
    there = {one.name for one in files_of(file)}
    if not there <= provenance.files.keys() <= there | {second_file(file).name}:
        raise WeightsError(
            f"{sidecar(file)} is the provenance of {', '.join(provenance.files) or 'no file'}, not "
            f"of {file.name}: copy both files under their names, or run  {provenance.command}"
        )
    for name, expected in provenance.files.items():
        path = file.with_name(name)
        if not path.exists():
            raise WeightsError(f"{path} is missing: copy it too, or run  {provenance.command}")
        check_readable(path)
        if sha256_of(path) != expected:
            raise _changed(path, file, provenance)


def _changed(path: Path, file: Path, provenance: Provenance) -> WeightsError:
    return WeightsError(
        f"{path} was changed after its export (its SHA-256 is not the one in "
        f"{sidecar(file).name}): run  {provenance.command}"
    )


def check_readable(path: Path) -> None:
    """Raise WeightsError unless an exported file, or each in a folder, is one of bounded size."""
    try:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if not file.is_dir():
                check_regular(file, MOST_EXPORTED_BYTES)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason_of(error)}") from error


def tool_versions() -> dict[str, str]:
    """Versions of the installed packages that an export uses."""
    return {"lmk": __version__} | installed_versions(TOOLS)
