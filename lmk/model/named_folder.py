"""Write a model folder with named points: a model's own network, and the map to the points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lmk.model.folder import Model, find_model
from lmk.model.manifest import CoreReference
from lmk.model.points import NamedPoints, PointMap, read_point_map
from lmk.model.weights import content_sha256, load_weights, save_weights


def write_named(
    model: Model,
    points: NamedPoints,
    point_map: PointMap,
    folder: Path,
    name: str,
    facts: Mapping[str, Any],
) -> Model:
    """Write a folder with a model's network and these points, in place of points it had.

    name: of the new model. facts: how the points were made, for its manifest's `training`. An
    adapter stays one, of the same core. Raises WeightsError when the map is not of these landmarks
    and points, when the core of an adapter is not found, or for NaN; and OutputError.
    """
    manifest = model.manifest
    tensors = point_map.arrays()
    read_point_map(tensors, manifest.num_landmarks, len(points), model.architecture)
    core = model.core() if manifest.kind == "adapter" else None
    file = "adapter.safetensors" if core else "weights.safetensors"
    arrays = model.arrays() | tensors
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / file, arrays)
    replace(
        manifest,
        name=name,
        core=CoreReference(core.reference, core.manifest.weights_sha256) if core else None,
        points=points,
        weights_file=file,
        weights_sha256=content_sha256(load_weights(folder / file)),  # after rounding to float16
        training=manifest.training | {"points": dict(facts)},
    ).write(folder)
    return find_model(str(folder))
