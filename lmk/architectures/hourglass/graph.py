"""The hourglass as an ONNX graph, written node by node from plain arrays.

It mirrors `network.py` and needs only numpy and onnx, so that an edge device can turn a core and an
adapter into a runnable file by itself. The parity check compares the two.
"""

from __future__ import annotations

from lmk.architectures.nodes import Nodes

DEPTH = 4


def hourglass(g: Nodes, x: str) -> str:
    """Images (B, 3, 128, 128) to heatmaps (B, K, 32, 32)."""
    x = g.conv(x, "stem_conv", stride=2, padding=3)
    x = g.norm_relu(x, "stem_bn")
    x = _pool(g, _residual(g, x, "block1"), "stem_pool")
    x = _residual(g, _residual(g, x, "block2"), "block3")
    x = _residual(g, _module(g, x, "hourglass", DEPTH), "block4")
    x = g.norm_relu(g.conv(x, "last_conv"), "last_bn")
    return g.conv(x, "head")


def _module(g: Nodes, x: str, name: str, depth: int) -> str:
    low = _residual(g, _pool(g, x, f"{name}.pool"), f"{name}.before")
    inner = f"{name}.inner"
    low = _module(g, low, inner, depth - 1) if depth > 1 else _residual(g, low, inner)
    low = _residual(g, low, f"{name}.after")
    up = g.twice(low, f"{name}.up")
    return g.add("Add", [_residual(g, x, f"{name}.skip"), up], f"{name}.out")


def _residual(g: Nodes, x: str, name: str) -> str:
    shortcut, parts, part = x, [], x
    if g.has_weight(f"{name}.shortcut.2.weight"):
        shortcut = g.conv(g.norm_relu(x, f"{name}.shortcut.0"), f"{name}.shortcut.2")
    for i in (1, 2, 3):
        part = g.conv(g.norm_relu(part, f"{name}.bn{i}"), f"{name}.conv{i}", padding=1)
        parts.append(part)
    joined = g.add("Concat", parts, f"{name}.joined", axis=1)
    return g.add("Add", [joined, shortcut], f"{name}.out")


def _pool(g: Nodes, x: str, name: str) -> str:
    return g.add("AveragePool", [x], name, kernel_shape=[2, 2], strides=[2, 2])
