"""Write the folder of a model with named points: a model's network, and a map to the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lmk.model.folder import Model, find_model
from lmk.model.manifest import MANIFEST, CoreReference, read_manifest
from lmk.model.points import NamedPoints, PointMap
from lmk.model.weights import content_sha256, load_weights, save_weights
from lmk.system.errors import OutputError
from lmk.system.files import check_writable
from lmk.system.schema import name_from

WEIGHTS = "weights.safetensors"


def check_place(folder: Path) -> None:
    """Raise OutputError unless a folder is new, empty or that of a model with named points."""
    check_writable(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file() or read_manifest(folder).points is None:
        raise OutputError(
            f"{folder} already exists, and is not a model with named points: choose another folder"
        )


def write_named(
    model: Model,
    points: NamedPoints,
    point_map: PointMap,
    folder: Path,
    facts: Mapping[str, Any] | None = None,
) -> Model:
    """Write a model with these points, in place of other points that it may have.

    folder: see `check_place`. facts: how the points were made, for the manifest's `training`.
    Raises WeightsError, OutputError.
    """
    check_place(folder)
    manifest = model.manifest
    arrays = {**model.arrays(), **point_map.arrays()}
    file = "adapter.safetensors" if manifest.core else WEIGHTS
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / file, arrays)
    core = None
    if manifest.core:
        core = CoreReference(model.core().reference, manifest.core.sha256)
    replace(
        manifest,
        name=name_from(folder.resolve().name),
        weights_file=file,
        weights_sha256=content_sha256(load_weights(folder / file)),
        core=core,
        points=points,
        training={**manifest.training, "points": dict(facts or {})},
    ).write(folder)
    return find_model(str(folder))
