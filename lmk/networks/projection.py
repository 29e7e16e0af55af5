"""Projections: a frozen convolution, multiplied by a small learned matrix.

theta_Y = W x1 theta_X (Sanchez and Tzimiropoulos, eq. 1), with W of (Co, Co), one per convolution.
W is stored as identity + delta: the start is exactly the core, and plain weight decay pulls towards
the core.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.architectures.network import LandmarkNetwork
from lmk.networks.state import state_of

Scope = Literal["all", "3x3"]  # as in lmk.training.options, which is free of torch


class ProjectionConv2d(nn.Conv2d):
    """A convolution with frozen weight and bias, and a learned matrix over its output channels."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,  # type: ignore[arg-type]
            stride=conv.stride,  # type: ignore[arg-type]
            padding=conv.padding,  # type: ignore[arg-type]
            bias=conv.bias is not None,
        )
        self.load_state_dict(conv.state_dict())
        self.weight.requires_grad_(False)
        if self.bias is not None:
            self.bias.requires_grad_(False)
        self.projection_delta = nn.Parameter(torch.zeros(self.out_channels, self.out_channels))

    def projected_weight(self) -> Tensor:
        """(I + delta) x1 weight, (Co, Ci, k, k), in float32 even under autocast."""
        with torch.autocast(self.weight.device.type, enabled=False):
            flat = self.weight.flatten(1)
            return torch.addmm(flat, self.projection_delta, flat).view_as(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, Ci, H, W) with the projected weight and the frozen bias."""
        return F.conv2d(x, self.projected_weight(), self.bias, self.stride, self.padding)


def project(core: LandmarkNetwork, num_landmarks: int, scope: Scope = "all") -> LandmarkNetwork:
    """Make an adaptable network from a core, which is not changed.

    Every convolution except the head becomes a `ProjectionConv2d`; scope "3x3" projects only those
    of the residual blocks and makes stem and 1x1 convolutions trainable. Batch norms start from the
    core and are trainable; the head is new, for `num_landmarks`.
    """
    network = with_new_head(core, num_landmarks)
    return project_named(network, [name for name, _ in _convolutions(network, scope)])


def project_named(network: LandmarkNetwork, names: Collection[str]) -> LandmarkNetwork:
    """Replace each named convolution by a `ProjectionConv2d`, and return the network."""
    for name, conv in _convolutions(network, "all"):
        if name in names:
            network.set_submodule(name, ProjectionConv2d(conv))
    return network


def _convolutions(network: LandmarkNetwork, scope: Scope) -> list[tuple[str, nn.Conv2d]]:
    """Convolutions that a scope projects, by name."""
    convs = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d)]
    body = [(name, conv) for name, conv in convs if conv is not network.head]
    if scope == "all":
        return body
    return [(n, conv) for n, conv in body if conv.kernel_size == (3, 3) and conv.bias is None]


def with_new_head(core: LandmarkNetwork, num_landmarks: int) -> LandmarkNetwork:
    """Copy a network and give the copy an untrained head for `num_landmarks`."""
    network = copy.deepcopy(core)
    network.head = nn.Conv2d(core.head.in_channels, num_landmarks, 1)
    return network


def adapter_state(network: LandmarkNetwork) -> dict[str, Tensor]:
    """All parts of a projected network that are not frozen: the content of an adapter file."""
    frozen = {name for name, value in network.named_parameters() if not value.requires_grad}
    return {name: value for name, value in state_of(network).items() if name not in frozen}
