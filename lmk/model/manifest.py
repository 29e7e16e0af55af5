"""manifest.json: the content of a model folder, for every runtime."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from lmk.architectures.catalogue import DEFAULT, find_architecture
from lmk.model.framing import Framing
from lmk.model.points import NamedPoints
from lmk.system.errors import WeightsError
from lmk.system.files import replacing
from lmk.system.reading import MB, read_text, reason_of
from lmk.system.schema import Count, Name, Number, Sha256, parse_json, read_as

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
MOST_BYTES = 4 * MB  # those of lmk have some kilobytes

LandmarkCount = Annotated[int, Meta(ge=1, le=1000)]
LandmarkName = Annotated[str, Meta(min_length=1, max_length=100)]


@dataclass(frozen=True)
class CoreReference:
    """The core that an adapter belongs to: its name or path, and the hash of its content."""

    model: Annotated[str, Meta(min_length=1, max_length=1000)]
    sha256: Sha256


@dataclass(frozen=True)
class Teacher:
    """A model that a student learned from, by the hash of its content."""

    sha256: Sha256


@dataclass(frozen=True)
class TrainingFacts:
    """Of a training: its steps so far, its settings, and the teachers of a student."""

    steps: Count | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    teachers: list[Teacher] = field(default_factory=list)


MEASURED_ON = "measured on"  # the figure that says what the others were measured on


@dataclass(frozen=True)
class Manifest:
    """Description of one model folder.

    kind: "network" for a complete network, "adapter" for the differences from `core`.
    weights_sha256: content hash of `weights_file`. training: free-form; how the model was made.
    figures: those that were measured. framing: None for a model that cannot be tracked.
    mirrored: landmark i of a picture is landmark mirrored[i] of the mirrored picture; None where
    that is not known. points: those that a person named, whose map from the landmarks is in the
    weights file; None for a model without.
    """

    name: Name
    kind: Literal["network", "adapter"]
    num_landmarks: LandmarkCount
    weights_file: Name
    weights_sha256: Sha256
    softargmax_beta: Annotated[float, Meta(gt=0, le=1e6)] = 10.0
    core: CoreReference | None = None
    landmark_names: list[LandmarkName] | None = None
    framing: Framing | None = None
    mirrored: list[int] | None = None
    points: NamedPoints | None = None
    training: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Number | str] = field(default_factory=dict)
    license: Annotated[str, Meta(max_length=1000)] = "research use only"
    architecture: str = DEFAULT
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Raise ValueError for fields that contradict each other."""
        count = self.num_landmarks
        if self.kind == "adapter" and self.core is None:
            raise ValueError("core is missing, expected that of the adapter")
        if self.landmark_names is not None and len(set(self.landmark_names)) != count:
            raise ValueError(f"landmark_names: expected {count} different names")
        if self.framing is not None and len(self.framing.landmarks_input) != count:
            raise ValueError(f"framing.landmarks_input: expected {count} landmarks")
        if self.mirrored is not None and not _are_partners(self.mirrored, count):
            raise ValueError(
                f"mirrored is {self.mirrored!s:.60}, expected pairs of {count} landmarks that name "
                "each other"
            )

    @cached_property
    def facts(self) -> TrainingFacts:
        """What other parts of lmk read of `training`, whose rest is free-form."""
        return read_as(TrainingFacts, self.training, more=True)

    def content(self) -> dict[str, Any]:
        """The content of the file: the fields, and for other readers facts of the architecture."""
        content = asdict(self) | _declared(self.architecture)
        if self.points is None:
            del content["points"]  # which earlier versions of lmk do not know
        return content

    def write(self, folder: Path) -> None:
        """Write the manifest into a folder.

        Raises WeightsError rather than write what cannot be read again, and OutputError.
        """
        text = json.dumps(self.content(), indent=2) + "\n"
        parse_manifest(text, folder / MANIFEST)
        with replacing(folder / MANIFEST) as temporary:
            temporary.write_text(text)


def read_manifest(folder: Path) -> Manifest:
    """Read and check a folder's manifest. Raises WeightsError."""
    path = folder / MANIFEST
    try:
        text = read_text(path, MOST_BYTES)
    except FileNotFoundError as error:
        raise WeightsError(f"{folder} is not a model folder: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a model manifest: {reason_of(error)}") from error
    return parse_manifest(text, path)


def parse_manifest(text: str, source: Path) -> Manifest:
    """Read and check a manifest's text; `source` is named in errors. Raises WeightsError."""
    try:
        content = read_as(dict[str, Any], parse_json(text))
        if content.get("schema_version") != SCHEMA_VERSION:
            raise WeightsError(
                f"{source} has schema version {content.get('schema_version')!r:.20}, this version "
                f"of lmk reads {SCHEMA_VERSION}: install the version that made it"
            )
        architecture = read_as(str, content.get("architecture", DEFAULT))
        declared = _declared(architecture)
        found = {name: content.pop(name, value) for name, value in declared.items()}
        manifest = read_as(Manifest, content)
        manifest.facts  # noqa: B018, an error now and not where they are needed
    except ValueError as error:
        raise WeightsError(f"{source} is not a model manifest: {error}") from error
    if found != declared:
        raise WeightsError(
            f"{source} does not match this version's architecture {architecture}: expected "
            f"{declared}, got {found!r:.200}. Install the version that made it"
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
