"""Write a run folder as a model: the final weights, and how they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lmk.architectures.network import LandmarkNetwork
from lmk.arrays import Arrays
from lmk.data.packed import Crops
from lmk.data.resize import resize_crops, spread_crops
from lmk.evaluation.framing import measure_framing
from lmk.model.folder import Model, find_model
from lmk.model.manifest import CoreReference, Manifest
from lmk.model.weights import content_sha256, load_weights, save_weights
from lmk.networks.detect import detect
from lmk.networks.projection import ProjectionConv2d, adapter_state
from lmk.networks.state import arrays_of, state_of
from lmk.training.pretrain import CORE_BETA

FRAMING_CROPS = 128  # enough for its percentiles, and short relative to the steps between two saves


def save_core(
    run: Path, network: LandmarkNetwork, names: list[str], training: dict[str, Any]
) -> Model:
    """Write a supervised core into its run folder and return it as a model. Raises OutputError."""
    manifest = {"landmark_names": names, "softargmax_beta": CORE_BETA, "training": training}
    return _save_network(run, network, manifest)


def save_adapted(
    run: Path,
    network: LandmarkNetwork,
    beta: float,
    core: Model | None,
    crops: Crops,
    training: dict[str, Any],
    mirrored: list[int] | None = None,
) -> Model:
    """Write an adapted network into its run folder and return it as a model.

    A projected network becomes an adapter of `core`; every other one is saved completely. The
    framing is measured on some of the training crops. Raises OutputError.
    """
    framing = None  # a single landmark has no extent to frame objects by
    if network.num_landmarks > 1:
        size = network.architecture.input_size
        found = detect(network, beta, resize_crops(spread_crops(crops, FRAMING_CROPS), size))
        framing = measure_framing(*found, size)
    manifest = {
        "softargmax_beta": beta,
        "framing": framing,
        "mirrored": mirrored,
        "training": training,
    }
    if core is None or not any(isinstance(m, ProjectionConv2d) for m in network.modules()):
        return _save_network(run, network, manifest)
    reference = CoreReference(core.reference, core.manifest.weights_sha256)
    adapter = arrays_of(adapter_state(network))
    file = "adapter.safetensors"
    return _save(
        run,
        adapter,
        network,
        manifest | {"kind": "adapter", "core": reference, "weights_file": file},
    )


def _save_network(run: Path, network: LandmarkNetwork, manifest: dict[str, Any]) -> Model:
    whole = {"kind": "network", "weights_file": "weights.safetensors"}
    return _save(run, arrays_of(state_of(network)), network, manifest | whole)


def _save(run: Path, arrays: Arrays, network: LandmarkNetwork, manifest: dict[str, Any]) -> Model:
    path = run / manifest["weights_file"]
    save_weights(path, arrays)
    sha256 = content_sha256(load_weights(path))  # of what was stored, after rounding to float16
    Manifest(
        name=run.resolve().name,
        num_landmarks=network.num_landmarks,
        architecture=network.architecture.name,
        weights_sha256=sha256,
        **manifest,
    ).write(run)
    return find_model(str(run))
