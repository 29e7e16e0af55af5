"""The hourglass as an ONNX graph, written node by node from plain arrays.

It mirrors `networks/hourglass.py` and needs numpy and onnx alone, so that an edge device turns a
core and an adapter into a runnable file by itself. The parity check holds the two together.
"""

from __future__ import annotations

import numpy as np

from lmk.export.nodes import Nodes
from lmk.export.onnx_package import TensorProto
from lmk.geometry import HEATMAP_SIZE, SCORE_RADIUS_HEATMAP, STRIDE
from lmk.model.fold import EPSILON

DEPTH = 4


def image_to_float(g: Nodes, images: str) -> str:
    """uint8 (B, H, W, 3) to floats (B, 3, H, W) in [0, 1], in the graph's precision.

    Cast first: TensorRT refuses to transpose uint8. Every intensity is exact in float16.
    """
    kind, dtype = (TensorProto.FLOAT16, np.float16) if g.half else (TensorProto.FLOAT, np.float32)
    as_float = g.add("Cast", [images], "images_float", to=kind)
    planar = g.add("Transpose", [as_float], "images_planar", perm=[0, 3, 1, 2])
    return g.add("Mul", [planar, g.constant("one_255th", 1 / 255, dtype)], "images_unit")


def hourglass(g: Nodes, x: str) -> str:
    """Images (B, 3, 128, 128) to float32 heatmaps (B, K, 32, 32)."""
    x = _conv(g, x, "stem_conv", stride=2, padding=3)
    x = _bn_relu(g, x, "stem_bn")
    x = _pool(g, _residual(g, x, "block1"), "stem_pool")
    x = _residual(g, _residual(g, x, "block2"), "block3")
    x = _residual(g, _module(g, x, "hourglass", DEPTH), "block4")
    x = _bn_relu(g, _conv(g, x, "last_conv"), "last_bn")
    heatmaps = _conv(g, x, "head")
    return g.add("Cast", [heatmaps], "heatmaps_float", to=TensorProto.FLOAT) if g.half else heatmaps


def softargmax(g: Nodes, heatmaps: str, beta: float) -> tuple[str, str]:
    """Heatmaps (B, K, 32, 32) to `landmarks` (B, K, 2) in input pixels and `scores` (B, K).

    The same formula as `networks/softargmax.py`, with sums in place of a matrix product.
    """
    y, x = np.divmod(np.arange(HEATMAP_SIZE**2, dtype=np.float32), np.float32(HEATMAP_SIZE))
    grid_x, grid_y = g.constant("grid_x", x), g.constant("grid_y", y)
    axis = g.constant("last_axis", [-1], np.int64)
    flat = g.add("Reshape", [heatmaps, g.constant("flat", [0, 0, -1], np.int64)], "heatmaps_flat")
    sharp = g.add("Mul", [flat, g.constant("beta", beta)], "heatmaps_sharp")
    mass = g.add("Softmax", [sharp], "probability", axis=-1)
    points = [
        g.add("ReduceSum", [g.add("Mul", [mass, grid], f"{n}_mass"), axis], f"{n}_heatmap")
        for n, grid in (("x", grid_x), ("y", grid_y))
    ]
    xy = g.add("Concat", points, "xy_heatmap", axis=-1)
    scaled = g.add("Mul", [xy, g.constant("stride", STRIDE)], "xy_scaled")
    landmarks = g.add("Add", [scaled, g.constant("half", (STRIDE - 1) / 2)], "landmarks")
    squares = []
    for n, grid, point in (("x", grid_x, points[0]), ("y", grid_y, points[1])):
        offset = g.add("Sub", [grid, point], f"{n}_offset")
        squares.append(g.add("Mul", [offset, offset], f"{n}_square"))
    distance2 = g.add("Add", squares, "distance2")
    near = g.add("LessOrEqual", [distance2, g.constant("radius2", SCORE_RADIUS_HEATMAP**2)], "near")
    near = g.add("Cast", [near], "near_float", to=1)
    near_mass = g.add("Mul", [mass, near], "near_mass")
    return landmarks, g.add("ReduceSum", [near_mass, axis], "scores", keepdims=0)


def _module(g: Nodes, x: str, name: str, depth: int) -> str:
    low = _residual(g, _pool(g, x, f"{name}.pool"), f"{name}.before")
    inner = f"{name}.inner"
    low = _module(g, low, inner, depth - 1) if depth > 1 else _residual(g, low, inner)
    low = _residual(g, low, f"{name}.after")
    up = g.add(
        "Resize",
        [low, "", g.constant("twice", [1, 1, 2, 2])],
        f"{name}.up",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return g.add("Add", [_residual(g, x, f"{name}.skip"), up], f"{name}.out")


def _residual(g: Nodes, x: str, name: str) -> str:
    shortcut, parts, part = x, [], x
    if g.has_weight(f"{name}.shortcut.2.weight"):
        shortcut = _conv(g, _bn_relu(g, x, f"{name}.shortcut.0"), f"{name}.shortcut.2")
    for i in (1, 2, 3):
        part = _conv(g, _bn_relu(g, part, f"{name}.bn{i}"), f"{name}.conv{i}", padding=1)
        parts.append(part)
    joined = g.add("Concat", parts, f"{name}.joined", axis=1)
    return g.add("Add", [joined, shortcut], f"{name}.out")


def _conv(g: Nodes, x: str, name: str, stride: int = 1, padding: int = 0) -> str:
    bias = [g.weight(f"{name}.bias")] if g.has_weight(f"{name}.bias") else []
    geometry = {"strides": [stride] * 2, "pads": [padding] * 4}
    kernel, projection = g.weight(f"{name}.weight"), f"{name}.projection"
    if not g.has_weight(projection):
        return g.add("Conv", [x, kernel, *bias], f"{name}.out", **geometry)
    # A projection that is left in acts on the frozen convolution's output as a 1x1 convolution;
    # the bias, which it leaves alone, comes after it.
    frozen = g.add("Conv", [x, kernel], f"{name}.frozen", **geometry)
    return g.add("Conv", [frozen, g.weight(projection), *bias], f"{name}.out")


def _bn_relu(g: Nodes, x: str, name: str) -> str:
    """Rectify, after the batch norm unless it is folded into the convolution before it."""
    if g.has_weight(f"{name}.scale"):
        x = g.add("Mul", [x, g.weight(f"{name}.scale")], f"{name}.scaled")
        x = g.add("Add", [x, g.weight(f"{name}.shift")], f"{name}.out")
    elif g.has_weight(f"{name}.running_var"):
        parameters = ("weight", "bias", "running_mean", "running_var")
        inputs = [x, *(g.weight(f"{name}.{part}") for part in parameters)]
        x = g.add("BatchNormalization", inputs, f"{name}.out", epsilon=EPSILON)
    return g.add("Relu", [x], f"{name}.relu")


def _pool(g: Nodes, x: str, name: str) -> str:
    return g.add("AveragePool", [x], name, kernel_shape=[2, 2], strides=[2, 2])
