"""A small network of another input size and stride, to hold the seat that architectures have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmk.architectures.spec import Architecture

if TYPE_CHECKING:
    from lmk.architectures.nodes import Nodes
    from pocket.network import Pocket


def _make(num_landmarks: int) -> Pocket:
    from pocket.network import Pocket

    return Pocket(num_landmarks)


def _graph(nodes: Nodes, images: str) -> str:
    x = images
    for index in (1, 2, 3):
        x = nodes.norm_relu(nodes.conv(x, f"conv{index}", stride=2, padding=1), f"bn{index}")
    return nodes.conv(x, "head")


ARCHITECTURE = Architecture(
    name="pocket",
    input_size=96,
    stride=8,
    make=_make,
    graph=_graph,
    folded_norms={"bn1": "conv1", "bn2": "conv2", "bn3": "conv3"},
    sensitive=("conv1", "head"),
    late=("conv3", "bn3", "head"),
    taps=("first", "second"),
)
