"""manifest.json: the content of a model folder, for every runtime."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from lmk.architectures.catalogue import DEFAULT, find_architecture
from lmk.model.framing import Framing
from lmk.system.errors import WeightsError
from lmk.system.files import replacing
from lmk.system.schema import parse_json, read_as

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class CoreReference:
    """The core that an adapter belongs to: its name or path, and the hash of its content."""

    model: str
    sha256: str


MEASURED_ON = "measured on"  # the figure that says what the others were measured on


@dataclass(frozen=True)
class Manifest:
    """Description of one model folder.

    kind: "network" for a complete network, "adapter" for the differences from `core`.
    weights_sha256: content hash of `weights_file`. training, figures: free-form; how the model was
    made, and its measured figures. framing: None for a model that cannot be tracked.
    mirrored: landmark i of a picture is landmark mirrored[i] of the mirrored picture; None where
    that is not known.
    """

    name: str
    kind: Literal["network", "adapter"]
    num_landmarks: int
    weights_file: str
    weights_sha256: str
    softargmax_beta: float = 10.0
    core: CoreReference | None = None
    landmark_names: list[str] | None = None
    framing: Framing | None = None
    mirrored: list[int] | None = None
    training: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    license: str = "research use only"
    architecture: str = DEFAULT
    schema_version: int = SCHEMA_VERSION

    def content(self) -> dict[str, Any]:
        """The content of the file: the fields, and for other readers facts of the architecture."""
        return asdict(self) | _declared(self.architecture)

    def write(self, folder: Path) -> None:
        """Write the manifest into a folder. Raises OutputError."""
        with replacing(folder / MANIFEST) as temporary:
            temporary.write_text(json.dumps(self.content(), indent=2) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Read and check a folder's manifest. Raises WeightsError."""
    path = folder / MANIFEST
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise WeightsError(f"{folder} is not a model folder: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a model manifest: {error}") from error
    return parse_manifest(text, path)


def parse_manifest(text: str, source: Path) -> Manifest:
    """Read and check a manifest's text; `source` is named in errors. Raises WeightsError."""
    try:
        content = parse_json(text)
        if content.get("schema_version") != SCHEMA_VERSION:
            raise WeightsError(
                f"{source} has schema version {content.get('schema_version')}, this version of lmk "
                f"reads {SCHEMA_VERSION}: install the version that made it"
            )
        declared = _declared(content.get("architecture", DEFAULT))
        found = {name: content.pop(name, value) for name, value in declared.items()}
        manifest = read_as(Manifest, content)
    except (ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{source} is not a model manifest: {error}") from error
    if manifest.kind == "adapter" and manifest.core is None:
        raise WeightsError(f"{source} describes an adapter but names no core")
    mirrored, count = manifest.mirrored, manifest.num_landmarks
    if mirrored is not None and not _are_partners(mirrored, count):
        raise WeightsError(
            f"{source}: mirrored is {mirrored}, expected pairs of {count} landmarks that name each "
            "other"
        )
    if found != declared:
        raise WeightsError(
            f"{source} does not match this version's architecture {manifest.architecture}: "
            f"expected {declared}, got {found}. Install the version that made it"
        )
    return manifest


def _are_partners(mirrored: list[int], count: int) -> bool:
    """Whether each of `count` landmarks has a mirror partner, itself or another, that names it."""
    return sorted(mirrored) == list(range(count)) and all(
        mirrored[other] == one for one, other in enumerate(mirrored)
    )


def _declared(architecture: str) -> dict[str, Any]:
    """The input and output of every model, from the architecture. Raises WeightsError."""
    known = find_architecture(architecture)
    size_hw = [known.input_size, known.input_size]
    picture = {"size_hw": size_hw, "color": "RGB", "range": [0, 1]}
    return {"input": picture, "stride": known.stride}
