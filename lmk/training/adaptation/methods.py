"""The five methods of adaptation; they differ in the learnable parts and in the start."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # batch norms synchronised on GPUs too

from lmk.architectures.catalogue import DEFAULT, find_architecture
from lmk.architectures.network import LandmarkNetwork
from lmk.networks.projection import project, with_new_head
from lmk.system.errors import UsageError
from lmk.training.options import Method, Scope


def start_network(
    method: Method, core: LandmarkNetwork | None, num_landmarks: int, scope: Scope = "all"
) -> LandmarkNetwork:
    """Make the network that an adaptation trains, from copies of the core's parts.

    `core` may be None only for scratch.

    projection                  the core frozen; one matrix per convolution, batch norms, head learn
    finetune                    everything learnable, starting from the core
    scratch                     everything learnable, starting from random weights
    last-layers                 the core frozen, except the layers after its hourglass
    finetune-after-projection   everything learnable; `core` is an adapted network, folded, and
                                keeps its head

    Raises UsageError when `core` does not fit the method.
    """
    if method == "scratch":
        return (core.architecture if core else find_architecture(DEFAULT)).make(num_landmarks)
    assert core is not None
    if method == "projection":
        return project(core, num_landmarks, scope)
    if method == "finetune-after-projection":
        if core.num_landmarks != num_landmarks:
            raise UsageError(
                f"the adapted network has {core.num_landmarks} landmarks and keeps them: use "
                f"--keypoints {core.num_landmarks}"
            )
        return copy.deepcopy(core)
    network = with_new_head(core, num_landmarks)
    if method == "last-layers":
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.split(".")[0] in network.architecture.late)
    return network


def train_mode(network: nn.Module) -> None:
    """Put a network into training mode, except frozen batch norms."""
    network.train()
    for module in network.modules():
        if isinstance(module, _BatchNorm) and not module.weight.requires_grad:
            module.eval()


def count_learnable(network: nn.Module) -> tuple[int, int]:
    """Count learnable and frozen parameters."""
    learnable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return learnable, sum(p.numel() for p in network.parameters()) - learnable
