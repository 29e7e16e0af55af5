"""The first and last nodes of every exported graph, around the network of its architecture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmk.architectures.nodes import Nodes
from lmk.architectures.spec import Architecture
from lmk.geometry import SCORE_RADIUS_HEATMAP
from lmk.model.points import LEAST_SCALE2, PointMap, PointSearch
from lmk.system.onnx_package import TensorProto


def image_to_float(g: Nodes, images: str) -> str:
    """uint8 (B, H, W, 3) to floats (B, 3, H, W) in [0, 1], in the graph's precision.

    Cast first: TensorRT refuses to transpose uint8. Every intensity is exact in float16.
    """
    kind, dtype = (TensorProto.FLOAT16, np.float16) if g.half else (TensorProto.FLOAT, np.float32)
    as_float = g.add("Cast", [images], "images_float", to=kind)
    planar = g.add("Transpose", [as_float], "images_planar", perm=[0, 3, 1, 2])
    return g.add("Mul", [planar, g.constant("one_255th", 1 / 255, dtype)], "images_unit")


def heatmaps_to_float(g: Nodes, heatmaps: str) -> str:
    """The network's heatmaps as float32, whatever its precision."""
    return g.add("Cast", [heatmaps], "heatmaps_float", to=TensorProto.FLOAT) if g.half else heatmaps


def softargmax(g: Nodes, heatmaps: str, architecture: Architecture, beta: float) -> tuple[str, str]:
    """Heatmaps (B, K, H, H), float32, to `landmarks` (B, K, 2) in input px and `scores` (B, K).

    The same formula as `networks/softargmax.py`, with sums in place of a matrix product.
    """
    size, stride = architecture.heatmap_size, architecture.stride
    y, x = np.divmod(np.arange(size**2, dtype=np.float32), np.float32(size))
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
    scaled = g.add("Mul", [xy, g.constant("stride", stride)], "xy_scaled")
    landmarks = g.add("Add", [scaled, g.constant("half", (stride - 1) / 2)], "landmarks")
    squares = []
    for n, grid, point in (("x", grid_x, points[0]), ("y", grid_y, points[1])):
        offset = g.add("Sub", [grid, point], f"{n}_offset")
        squares.append(g.add("Mul", [offset, offset], f"{n}_square"))
    distance2 = g.add("Add", squares, "distance2")
    near = g.add("LessOrEqual", [distance2, g.constant("radius2", SCORE_RADIUS_HEATMAP**2)], "near")
    near = g.add("Cast", [near], "near_float", to=1)
    near_mass = g.add("Mul", [mass, near], "near_mass")
    return landmarks, g.add("ReduceSum", [near_mass, axis], "scores", keepdims=0)


def flat_features(g: Nodes, architecture: Architecture) -> list[tuple[str, int]]:
    """The tensors of `Architecture.point_features` as (B, C, H * H), float32, and C of each."""
    flat, found = g.constant("flat", [0, 0, -1], np.int64), []
    for tensor, channels in architecture.point_features.items():
        feature = g.add("Reshape", [tensor, flat], f"{tensor}_flat")
        if g.half:
            feature = g.add("Cast", [feature], f"{tensor}_float", to=TensorProto.FLOAT)
        found.append((feature, channels))
    return found


def points(
    g: Nodes, landmarks: str, point_map: PointMap, features: Sequence[tuple[str, int]]
) -> None:
    """Landmarks (B, K, 2) to `points` (B, P, 2), in input px.

    features: those that points are searched in, of `flat_features`. The same formulas as in
    `PointMap`, always in float32.
    """
    if point_map.search is None:
        _mapped_points(g, landmarks, point_map, "points")
        return
    mapped = _mapped_points(g, landmarks, point_map, "points.mapped")
    _search(g, mapped, point_map.search, features)


def _search(
    g: Nodes, mapped: str, search: PointSearch, features: Sequence[tuple[str, int]]
) -> None:
    towards, away = (
        g.constant(f"points.{name}", getattr(search, name)) for name in ("towards", "away")
    )
    logits = g.add("MatMul", [mapped, towards], "points.towards_grid")
    logits = g.add("Add", [logits, away], "points.nearness")
    start = 0
    for feature, channels in features:
        detectors = search.weights[:, start : start + channels]
        name = f"points.in_{feature}"
        inputs = [g.constant(f"{name}_detectors", detectors), feature]
        logits = g.add("Add", [logits, g.add("MatMul", inputs, f"{name}_response")], name)
        start += channels
    mass = g.add("Softmax", [logits], "points.mass", axis=-1)
    g.add("MatMul", [mass, g.constant("points.grid", search.grid)], "points")


def _mapped_points(g: Nodes, landmarks: str, point_map: PointMap, name: str) -> str:
    weights, bias = (
        g.constant(f"points.{part}", getattr(point_map, part)) for part in ("weights", "bias")
    )
    flat = g.constant("points.flat_shape", [0, -1], np.int64)
    flat = g.add("Reshape", [landmarks, flat], "points.landmarks")
    maps = g.add("Gemm", [flat, weights, bias], "points.maps_flat")
    pairs = g.constant("points.pairs_shape", [0, -1, 2], np.int64)
    maps = g.add("Reshape", [maps, pairs], "points.maps")
    sizes = g.constant("points.sizes", [point_map.count, point_map.count, 2], np.int64)
    fixed, turned, pose = g.split(maps, sizes, [f"points.{n}" for n in ("fixed", "turned", "pose")])
    squares = g.add("Mul", [pose, pose], "points.pose_squares")
    rows = g.constant("points.rows", [1], np.int64)
    scale2 = g.add("ReduceSum", [squares, rows], "points.scale2", keepdims=1)
    scale2 = g.add("Max", [scale2, g.constant("points.least", LEAST_SCALE2)], "points.safe_scale2")
    twice = g.add("MatMul", [pose, pose], "points.twice_scaled")
    twice = g.add("Div", [twice, scale2], "points.twice")
    return g.add("Add", [fixed, g.add("MatMul", [turned, twice], "points.added")], name)
