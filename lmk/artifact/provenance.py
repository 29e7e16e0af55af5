"""The provenance of an exported file: a JSON file beside it, and the check that both match."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lmk.architectures.catalogue import DEFAULT
from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import PACKAGES
from lmk.model.framing import Framing
from lmk.system.errors import WeightsError
from lmk.system.files import replacing, sha256_of
from lmk.system.machine import installed_versions
from lmk.system.schema import parse_json, read_as

SCHEMA_VERSION = 1
TOOLS = ("lmk", "numpy", "onnx", *PACKAGES)


@dataclass(frozen=True)
class Provenance:
    """The provenance of one exported file.

    files: SHA-256 by name of the file, and of the second one of some formats.
    precision: as requested. layers: as read back from the file, the number of convolutions per
    precision. gpu: the device that an engine was built for. parity: differences of landmarks in
    input pixels, None if not measured. framing: of the model. input_size: side of the network's
    input. architecture: of the network. command: builds the file again.
    """

    format: str
    precision: str
    name: str
    num_landmarks: int
    weights_sha256: str
    core_sha256: str | None
    onnx_sha256: str
    batch: BatchRange
    layers: dict[str, int]
    command: str
    files: dict[str, str] = field(default_factory=dict)
    kept_in_float: list[str] = field(default_factory=list)
    gpu: dict[str, str] | None = None
    framing: Framing | None = None
    # Files of before these two were written are all of one architecture and size.
    architecture: str = DEFAULT
    input_size: int = 128
    parity: dict[str, Any] | None = None
    tools: dict[str, str] = field(default_factory=lambda: tool_versions())
    created: str = field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    schema_version: int = SCHEMA_VERSION

    def write(self, file: Path) -> None:
        """Write the provenance beside an exported file. Raises OutputError."""
        with replacing(sidecar(file)) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2) + "\n")


def sidecar(file: Path) -> Path:
    """Path of the provenance of an exported file."""
    return file.with_name(file.name + ".json")


def read_provenance(file: Path) -> Provenance:
    """Read the provenance of an exported file. Raises WeightsError if it is missing or broken."""
    path = sidecar(file)
    try:
        content = parse_json(path.read_text())
        if (version := content["schema_version"]) != SCHEMA_VERSION:
            raise ValueError(f"schema_version {version}, expected {SCHEMA_VERSION}")
        return read_as(Provenance, content)
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path.name}, the provenance of {file}, is missing beside it: copy both files, or run "
            " lmk export  again"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(
            f"{path} is not a provenance that this version of lmk reads ({error}): run  lmk export "
            " again"
        ) from error


def check_unchanged(file: Path) -> Provenance:
    """Return a file's provenance, and check that the file is unchanged. Raises WeightsError."""
    provenance = read_provenance(file)
    for name, expected in provenance.files.items():
        path = file.with_name(name)
        if not path.exists():
            raise WeightsError(f"{path} is missing: copy it too, or run  {provenance.command}")
        if sha256_of(path) != expected:
            raise WeightsError(
                f"{path} was changed after its export (its SHA-256 is not the one in "
                f"{sidecar(file).name}): run  {provenance.command}"
            )
    return provenance


def tool_versions() -> dict[str, str]:
    """Versions of the installed packages that an export uses."""
    return installed_versions(TOOLS)
