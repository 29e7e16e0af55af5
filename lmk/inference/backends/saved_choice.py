"""The runtime, precision and threads that `lmk bench --save` found fastest for a model here.

A choice is valid for one machine, one model and the package versions that it was measured with.
After a change of any of them it is ignored.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from lmk.artifact.catalogue import PACKAGES, PREFERENCE, RUNTIMES, files_of
from lmk.artifact.provenance import check_readable
from lmk.inference.cuda import Cuda
from lmk.model.folder import Model, find_model
from lmk.system.cache import cache_folder
from lmk.system.errors import LmkError, WeightsError
from lmk.system.files import replacing, sha256_of
from lmk.system.machine import chip, installed_versions, usable_cores
from lmk.system.reading import MB, read_text
from lmk.system.schema import Number, Sha256, parse_json, read_as
from lmk.system.version import __version__

SCHEMA_VERSION = 2
Threads = Annotated[int, Meta(ge=1, le=1024)]


@dataclass(frozen=True)
class Choice:
    """What to run a model with, and the figures that were measured.

    model: its name or path. model_sha256: hash of the parts of it that exported files contain.
    file: what the runtime opens, an exported file in the user's cache; file_sha256: its SHA-256,
    with that of its second file if it has one, empty for torch, which opens the model itself.
    threads: None leaves the number to the runtime. p50_ms: of one picture, end to end. mean_px: how
    far landmarks lie from the float32 reference, input pixels.
    """

    model: str
    model_sha256: Sha256
    machine: str
    versions: dict[str, str]
    runtime: str
    device: str
    precision: str
    threads: Threads | None
    file: str
    file_sha256: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
    p50_ms: Number
    mean_px: Number
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Raise ValueError for words that this version of lmk does not know."""
        if self.runtime not in RUNTIMES or self.device not in PREFERENCE:
            raise ValueError(f"{self.runtime!r} on {self.device!r} is unknown")


def save_choice(choice: Choice) -> Path:
    """Save a choice in the user's cache; replaces an earlier one. Raises OutputError."""
    path = choice_file(choice.model)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(choice), indent=2) + "\n")
    return path


def saved_choice(model: str, device: str | None) -> tuple[Choice | None, str | None]:
    """Return the choice for a model's name or folder, or what changed since it was saved.

    Both are None where none was saved. With `device` None, that of the choice is used. Raises
    WeightsError when there is no such model.
    """
    found = find_model(model)
    path = choice_file(found.reference)
    if not path.is_file():
        return None, None
    choice = _read(path)
    if choice and device not in (None, choice.device):
        return None, None
    changed = _what_changed(choice, found) if choice else "the format of saved choices"
    return (None, changed) if changed else (choice, None)


def choice_file(reference: str) -> Path:
    """The file of the choice for a model's name or folder."""
    return choice_folder() / f"{hashlib.sha256(reference.encode()).hexdigest()[:16]}.json"


def choice_folder() -> Path:
    """Folder of all choices, in the user's cache."""
    return cache_folder() / "choices"


def machine_identity(device: str) -> str:
    """Identity of this machine: its chip and usable cores; for "cuda" the GPU too."""
    processor = f"{chip()}, cores {','.join(map(str, usable_cores()))}"
    return f"{processor}, {_gpu()}" if device == "cuda" else processor


def _gpu() -> str:
    try:
        return str(Cuda())
    except LmkError:
        return "no GPU"


def runtime_versions() -> dict[str, str]:
    """Versions of lmk and of the installed runtimes."""
    return {"lmk": __version__} | installed_versions(PACKAGES)


def _read(path: Path) -> Choice | None:
    try:
        choice = read_as(Choice, parse_json(read_text(path, MB)))
    except (OSError, ValueError):  # damaged, or of another lmk
        return None
    return choice if choice.schema_version == SCHEMA_VERSION else None


def _what_changed(choice: Choice, model: Model) -> str | None:
    if choice.model_sha256 != model.exported_sha256:
        return "the model"
    if choice.machine != machine_identity(choice.device):
        return "the machine, its usable cores or its GPU"
    if choice.versions != runtime_versions():
        return "the version of lmk or of a runtime"
    if choice.file and not _is_intact(Path(choice.file), choice.file_sha256):
        return "its exported file"
    return None


def _is_intact(file: Path, sha256: str) -> bool:
    try:
        files = files_of(file)
        for one in files:
            check_readable(one)
        return sha256_of(*files) == sha256
    except (WeightsError, OSError):
        return False
