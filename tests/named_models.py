"""Models with named points, whose map is random and far from the identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lmk.model.folder import Model
from lmk.model.named_folder import write_named
from lmk.model.points import NamedPoints, PointMap, PointSearch, heatmap_grid, map_in_frames

NAMES = ("left_pupil", "right_pupil", "nose_tip")
SKELETON = ((0, 2), (1, 2))


def random_map(landmarks: int, points: int, seed: int = 0, spread: float = 0.3) -> PointMap:
    """A map whose points lie among the landmarks, moved by their shape and place."""
    random = np.random.default_rng(seed)
    flat, out = 2 * landmarks, 2 * points

    def normal(*shape: int, scale: float) -> np.ndarray:
        return random.normal(0, scale, shape).astype(np.float32)

    average = np.kron(random.dirichlet(np.ones(landmarks), points).T, np.eye(2))
    return map_in_frames(
        random.uniform(20, 100, (landmarks, 2)).astype(np.float32),
        normal(flat, out, scale=spread / flat**0.5),
        normal(out, scale=5),
        average.astype(np.float32),
        normal(out, scale=5),
    )


def searching_map(model: Model, points: int) -> PointMap:
    """A random map whose points are searched for in the features, 2 and 9 px about their place."""
    architecture = model.architecture
    channels = sum(architecture.point_features.values())
    weights = np.random.default_rng(5).normal(0, 2, (points, channels)).astype(np.float32)
    grid = heatmap_grid(architecture.heatmap_size, architecture.stride)
    found = random_map(model.manifest.num_landmarks, points)
    return replace(found, search=PointSearch(weights, 9.0, grid))


def named_folder(
    base: Model,
    folder: Path,
    names: Sequence[str] = NAMES,
    skeleton: Sequence[tuple[int, int]] = SKELETON,
    point_map: PointMap | None = None,
) -> Path:
    """Write `base` with named points; by default of a random map."""
    points = NamedPoints(tuple(names), tuple(skeleton))
    found = point_map or random_map(base.manifest.num_landmarks, len(points))
    return write_named(base, points, found, folder, folder.name, {"pictures": 10}).folder
