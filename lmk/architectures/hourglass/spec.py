"""The declaration of the hourglass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lmk.architectures.spec import Architecture

if TYPE_CHECKING:
    from lmk.architectures.hourglass.network import Hourglass
    from lmk.architectures.nodes import Nodes


def _make(num_landmarks: int) -> Hourglass:
    from lmk.architectures.hourglass.network import Hourglass

    return Hourglass(num_landmarks)


def _graph(nodes: Nodes, images: str) -> str:
    from lmk.architectures.hourglass.graph import hourglass

    return hourglass(nodes, images)


ARCHITECTURE = Architecture(
    name="hourglass",
    input_size=128,
    stride=4,
    make=_make,
    graph=_graph,
    # Every other batch norm comes before its convolution and after a tensor that others read too.
    folded_norms={"stem_bn": "stem_conv", "last_bn": "last_conv"},
    sensitive=("stem_conv", "head"),
    late=("block4", "last_conv", "last_bn", "head"),
    taps=("stem", "block3"),
    point_features={"last_bn.relu": 256},
)
