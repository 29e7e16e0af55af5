"""The student as an ONNX graph; it mirrors `network.py`, and needs only numpy and onnx."""

from __future__ import annotations

from lmk.architectures.nodes import Nodes
from lmk.architectures.student.declare import DOWN, Widths


def student(g: Nodes, x: str, widths: Widths) -> str:
    """Images (B, 3, 128, 128) to heatmaps (B, K, 32, 32)."""
    *down_blocks, up_blocks = widths.blocks
    at = {}
    for stage, blocks in zip(DOWN, down_blocks, strict=True):
        x = g.norm_relu(g.conv(x, f"{stage}.conv", stride=2, padding=1), f"{stage}.bn")
        x = at[stage] = _blocks(g, x, stage, blocks)
    x = g.add("Add", [g.twice(g.conv(x, "up8.low"), "up8.up"), at["down8"]], "up8.sum")
    x = _blocks(g, x, "up8", up_blocks)
    low, skip = g.twice(g.conv(x, "last.low"), "last.up"), g.conv(at["down4"], "last.skip")
    x = g.add("Relu", [g.add("Add", [low, skip], "last.sum")], "last.mixed")
    x = g.norm_relu(g.conv(x, "last.conv", padding=1), "last.bn")
    return g.conv(x, "head")


def _blocks(g: Nodes, x: str, stage: str, count: int) -> str:
    for i in range(count):
        name = f"{stage}.blocks.{i}"
        inner = g.norm_relu(g.conv(x, f"{name}.conv1", padding=1), f"{name}.bn1")
        inner = g.norm(g.conv(inner, f"{name}.conv2", padding=1), f"{name}.bn2")
        x = g.add("Relu", [g.add("Add", [inner, x], f"{name}.sum")], f"{name}.out")
    return x
