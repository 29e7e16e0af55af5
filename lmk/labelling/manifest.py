"""The manifest of an output: what its labels were made with, and how many there are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Annotated, Any

from msgspec import Meta

from lmk.labelling.part import Counts
from lmk.labelling.place import Place
from lmk.system.errors import OutputError, UsageError
from lmk.system.reading import reason_of
from lmk.system.schema import Count, Sha256, parse_json, read_as
from lmk.system.version import __version__

MANIFEST, SCHEMA_VERSION = "manifest.json", 1
DECIDING = ("source", "settings", "model", "model_sha256", "runtime", "inputs_sha256")
"""The fields in which two runs into the same output must be alike."""


@dataclass(frozen=True)
class Manifest:
    """What is in an output.

    source: its address. settings: the options that decide the labels and the files. model: its name
    in the rows; model_sha256: of its weights, or of an exported file. runtime: its name;
    runtime_description: with version, device and precision, where the work began. landmarks: of an
    object; points: their names. inputs_sha256: of the list of inputs. parts: their number when all
    are whole. counts: of all inputs, None while parts are missing.
    """

    source: str
    settings: dict[str, Any]
    model: str
    model_sha256: Sha256
    runtime: str
    runtime_description: str
    landmarks: Annotated[int, Meta(ge=1)]
    points: list[str]
    inputs_sha256: Sha256
    parts: Count
    counts: Counts | None = None
    created: str = field(
        default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    lmk_version: str = __version__
    schema_version: int = SCHEMA_VERSION

    def write(self, output: Place) -> None:
        """Write it into an output. Raises OutputError."""
        with (output / MANIFEST).replacing() as file:
            file.write((json.dumps(asdict(self), indent=2) + "\n").encode())

    def check_same(self, earlier: Manifest, output: Place) -> None:
        """Raise UsageError unless the labels of an earlier run are those of this one."""
        for name in DECIDING:
            before, now = getattr(earlier, name), getattr(self, name)
            if before == now:
                continue
            if name == "settings":
                before, now = _differing(before, now)
            elif name == "inputs_sha256":
                before, now = f"{earlier.parts:,} files of inputs", "other ones"
            raise UsageError(
                f"{output} has labels of another run: {name} was {before!s:.200}, and is now "
                f"{now!s:.200}. Choose another output, or the same "
                f"{'inputs' if name == 'inputs_sha256' else name}; nothing was changed"
            )


def read_manifest(output: Place) -> Manifest | None:
    """The manifest of an output, None for a new one.

    Raises UsageError for a folder with other files, and OutputError for a broken manifest.
    """
    if not output.exists():
        return None
    place = output / MANIFEST
    if not place.exists():
        if not output.is_folder() or output.entries():
            raise UsageError(
                f"{output} is not empty and has no {MANIFEST} of lmk label: choose another output"
            )
        return None
    try:
        content = parse_json(place.read().decode())
        if isinstance(content, dict) and content.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"schema_version is {content.get('schema_version')!r:.20}")
        return read_as(Manifest, content)
    except ValueError as error:
        raise OutputError(
            f"{place} is not a manifest that this version of lmk reads ({reason_of(error)}): "
            "choose another output"
        ) from error


def _differing(
    before: dict[str, Any], now: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return {n: before.get(n) for n in names}, {n: now.get(n) for n in names}
