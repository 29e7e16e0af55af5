"""The runtime, precision and threads that `lmk bench --save` found fastest for a model here.

A choice holds for one machine, one model and the package versions that it was measured with. With
any other it is not used, as if it had never been made.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import lmk
from lmk.export.cached import cache_folder
from lmk.export.provenance import sha256_of
from lmk.files import replacing
from lmk.machine import chip, installed_versions, usable_cores
from lmk.model.folder import Model, find_model

PACKAGES = ("onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "torch")
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Choice:
    """What to run a model with, and what it was measured to give.

    `file` is what the runtime opens: an exported file in the user's cache, whose SHA-256 is
    `file_sha256`, or the model itself (for torch, then empty). `threads` None is the runtime's own
    number. `p50_ms` is of one picture's inference, `mean_px` how far landmarks lie from the float32
    reference in input pixels.
    """

    model_sha256: str
    machine: str
    versions: dict[str, str]
    runtime: str
    device: str
    precision: str
    threads: int | None
    file: str
    file_sha256: str
    p50_ms: float
    mean_px: float
    schema_version: int = SCHEMA_VERSION


def save_choice(choice: Choice) -> Path:
    """Keep a choice in the user's cache, in place of an earlier one. Raises OutputError."""
    path = choice_file(choice.model_sha256)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(choice), indent=2) + "\n")
    return path


def saved_choice(model: str, device: str | None) -> Choice | None:
    """Return the choice for a model's name or folder if there is one that still holds.

    `device` None takes the choice's own. Raises WeightsError when there is no such model.
    """
    if not choice_folder().is_dir():
        return None
    found = find_model(model)
    choice = _read(choice_file(found.sha256))
    if choice is None or device not in (None, choice.device):
        return None
    return choice if _holds(choice, found) else None


def choice_file(model_sha256: str) -> Path:
    """Where the choice for a model is kept."""
    return choice_folder() / f"{model_sha256[:16]}.json"


def choice_folder() -> Path:
    """Folder of all choices, in the user's cache."""
    return cache_folder() / "choices"


def machine_identity() -> str:
    """What tells this machine from another: its chip and the cores that may be used."""
    return f"{chip()}, cores {','.join(map(str, usable_cores()))}"


def runtime_versions() -> dict[str, str]:
    """Versions of lmk and of the runtimes that are installed."""
    return {"lmk": lmk.__version__} | installed_versions(PACKAGES)


def _read(path: Path) -> Choice | None:
    try:
        return Choice(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):  # none yet, or of another lmk
        return None


def _holds(choice: Choice, model: Model) -> bool:
    same = (
        choice.schema_version == SCHEMA_VERSION
        and choice.model_sha256 == model.sha256
        and choice.machine == machine_identity()
        and choice.versions == runtime_versions()
    )
    if not same or not choice.file:
        return same
    file = Path(choice.file)
    return file.is_file() and sha256_of(file) == choice.file_sha256
