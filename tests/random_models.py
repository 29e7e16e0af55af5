"""Networks and model folders with random weights, far from any identity."""

from __future__ import annotations

from pathlib import Path

import torch

from lmk.architectures.catalogue import find_architecture
from lmk.architectures.hourglass.network import Hourglass
from lmk.architectures.network import LandmarkNetwork
from lmk.model.fold import PROJECTION, fold_state
from lmk.model.folder import Model, find_model
from lmk.model.manifest import CoreReference, Manifest
from lmk.model.weights import content_sha256, load_weights, save_weights
from lmk.networks.projection import adapter_state, project
from lmk.networks.state import arrays_of, load_state, state_of


def randomize(network: torch.nn.Module, seed: int) -> None:
    """Give batch norms random statistics and projections random deltas, far from the identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
        if hasattr(module, "projection_delta"):
            size = len(module.projection_delta)
            module.projection_delta.data.normal_(0, 0.5 / size**0.5, generator=generator)


def make_core(seed: int = 0, num_landmarks: int = 14) -> Hourglass:
    torch.manual_seed(seed)
    core = Hourglass(num_landmarks)
    randomize(core, seed)
    return core.eval()


def make_student(size: str = "small", num_landmarks: int = 7) -> LandmarkNetwork:
    torch.manual_seed(2)
    network = find_architecture(f"student-{size}").make(num_landmarks)
    randomize(network, 2)
    return network.eval()


def make_projected(core: Hourglass, num_landmarks: int = 7, scope: str = "all") -> Hourglass:
    torch.manual_seed(1)
    network = project(core, num_landmarks, scope)
    randomize(network, 1)
    return network.eval()


def fold(network: Hourglass) -> Hourglass:
    """Fold the projections of a network in memory into a new plain one, as files are folded."""
    arrays = arrays_of(state_of(network))
    core = {name: value for name, value in arrays.items() if not name.endswith(PROJECTION)}
    plain = Hourglass(network.num_landmarks)
    load_state(plain, fold_state(core, arrays_of(adapter_state(network))))
    return plain.eval()


def save_model(
    folder: Path,
    name: str,
    arrays: dict,
    num_landmarks: int,
    core=None,
    architecture: str = "hourglass",
) -> Model:
    """Write a model folder as a training run does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = "adapter.safetensors" if core else "weights.safetensors"
    save_weights(folder / file, arrays)
    stored = load_weights(folder / file)
    reference = core and CoreReference(str(core.folder), core.manifest.weights_sha256)
    kind = "adapter" if core else "network"
    Manifest(
        name=name,
        kind=kind,
        num_landmarks=num_landmarks,
        weights_file=file,
        weights_sha256=content_sha256(stored),
        core=reference or None,
        architecture=architecture,
    ).write(folder)
    return find_model(str(folder))
