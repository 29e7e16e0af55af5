"""The declaration of an architecture: all that the rest of lmk knows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmk.architectures.network import LandmarkNetwork
    from lmk.architectures.nodes import Nodes

BATCH_NORM_EPSILON = 1e-5  # torch's default


@dataclass(frozen=True)
class Architecture:
    """One kind of network: square RGB pictures in, one heatmap per landmark out.

    name: in manifests. input_size: side of its input, px. stride: input px per heatmap px.
    make: builds the torch network for a number of landmarks, with random weights. graph: writes
    the ONNX nodes from images (B, 3, S, S), RGB in [0, 1], to heatmaps (B, K, S / stride,
    S / stride), in the weights' precision.

    Layers are named as in the torch network. folded_norms: batch norms that directly follow a
    convolution, and that convolution. sensitive: convolutions that int8 leaves in float32. late:
    modules that the method last-layers trains. taps: names of the early activations that
    `LandmarkNetwork.features` returns, to compare pictures. point_features: tensors of the graph,
    as large as the heatmaps, in which named points are searched for, and their channels; their
    activations are those of `LandmarkNetwork.describe`.
    """

    name: str
    input_size: int
    stride: int
    make: Callable[[int], LandmarkNetwork]
    graph: Callable[[Nodes, str], str]
    folded_norms: Mapping[str, str]
    sensitive: tuple[str, ...]
    late: tuple[str, ...]
    taps: tuple[str, ...]
    point_features: Mapping[str, int] = field(default_factory=dict)

    @property
    def heatmap_size(self) -> int:
        """Side of its heatmaps, px."""
        return self.input_size // self.stride

    def block_of(self, layer: str) -> str:
        """The block that a convolution belongs to: int8 keeps or quantises a block as a whole."""
        return layer.rpartition(".")[0].removesuffix(".shortcut") or layer
