"""Write a model folder: weights, and a manifest that records how they were trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lmk.architectures.network import LandmarkNetwork
from lmk.arrays import Arrays
from lmk.data.packed import Crops
from lmk.data.resize import resize_crops, spread_crops
from lmk.evaluation.framing import measure_find_scores, measure_framing
from lmk.inference.backends.select import open_backend
from lmk.inference.regions.landmarks import DEFAULT
from lmk.model.folder import Model, find_model
from lmk.model.framing import Framing
from lmk.model.manifest import CoreReference, Manifest
from lmk.model.weights import content_sha256, load_weights, save_weights
from lmk.networks.detect import detect
from lmk.networks.projection import ProjectionConv2d, adapter_state
from lmk.networks.state import arrays_of, state_of
from lmk.system.progress import Reporter
from lmk.system.schema import name_from

LEAST_EXTENT_PX = 0.01  # of the mean landmarks, in input pixels: less is one place
# Pictures to learn the scores without an object from. A student needs a quarter of a second for
# each, an hourglass ten: with 24 pictures a student's bound lay between 0.82 and 0.86, by chance.
STUDENT_BYTES, WRONG_PICTURES, WRONG_PICTURES_OF_STUDENTS = 4_000_000, 24, 150
FRAMING_CROPS = 128  # enough for its percentiles, and short relative to the steps between two saves


def save_network(folder: Path, network: LandmarkNetwork, manifest: dict[str, Any]) -> Model:
    """Write a complete network, with further fields of its manifest. Raises OutputError."""
    arrays = arrays_of(state_of(network))
    kind = {"kind": "network", "weights_file": "weights.safetensors"}
    return _save(folder, arrays, network, manifest | kind)


def save_adapter(
    folder: Path, network: LandmarkNetwork, core: Model, manifest: dict[str, Any]
) -> Model:
    """Write a projected network as an adapter of `core`. Raises OutputError."""
    arrays = arrays_of(adapter_state(network))
    reference = CoreReference(core.reference, core.manifest.weights_sha256)
    kind = {"kind": "adapter", "core": reference, "weights_file": "adapter.safetensors"}
    return _save(folder, arrays, network, manifest | kind)


def save_model(
    folder: Path, network: LandmarkNetwork, core: Model | None, manifest: dict[str, Any]
) -> Model:
    """Write a projected network as an adapter of `core`, every other one completely.

    Raises OutputError.
    """
    if core is None or not any(isinstance(m, ProjectionConv2d) for m in network.modules()):
        return save_network(folder, network, manifest)
    return save_adapter(folder, network, core, manifest)


def measured_framing(
    network: LandmarkNetwork, beta: float, crops: Crops, like: Framing | None = None
) -> Framing | None:
    """Measure the framing of a network on some of its training crops (N, S, S, 3).

    like: of a model of the same objects, whose detector finds them. None for a single landmark, or
    for several at one place, which have no extent to frame objects by.
    """
    size = network.architecture.input_size
    found = detect(network, beta, resize_crops(spread_crops(crops, FRAMING_CROPS), size))
    if np.ptp(found[0].mean(0), axis=0).max() < LEAST_EXTENT_PX:
        return None
    framing = measure_framing(*found, size)
    if like is None:
        return framing
    return replace(framing, finder=like.finder, finder_box=like.finder_box)


def learn_to_find(
    model: Model, crops: Crops, device: str, report: Reporter, limited: bool = False
) -> None:
    """Measure the scores of landmarks where there is no object, and write them down.

    A training that was stopped before its end does it when it goes on, unless it was limited to a
    time, which is an end of its own.
    """
    framing, facts = model.manifest.framing, model.manifest.facts
    steps = facts.steps or 0
    if framing is None or steps < (1 if limited else facts.settings["steps"]):
        return
    backend = open_backend(str(model.folder), "torch", device, saved=False)
    small = sum(array.nbytes for array in model.folded().values()) < STUDENT_BYTES
    pictures = WRONG_PICTURES_OF_STUDENTS if small else WRONG_PICTURES
    scores = measure_find_scores(backend, framing, crops, pictures, report)
    found = replace(framing, find_scores=scores)
    if found.least_score(DEFAULT.threshold) >= 1:
        report.warn(
            "landmarks have high scores also where there is no object, so that lmk run looks into "
            "the centred square: train for longer, or on more pictures"
        )
        return
    replace(model.manifest, framing=found).write(model.folder)


def _save(
    folder: Path, arrays: Arrays, network: LandmarkNetwork, manifest: dict[str, Any]
) -> Model:
    path = folder / manifest["weights_file"]
    save_weights(path, arrays)
    sha256 = content_sha256(load_weights(path))  # of what was stored, after rounding to float16
    Manifest(
        name=name_from(folder.resolve().name),
        num_landmarks=network.num_landmarks,
        architecture=network.architecture.name,
        weights_sha256=sha256,
        **manifest,
    ).write(folder)
    return find_model(str(folder))
