"""Named points: the places that a person named, computed from a model's landmarks.

A point follows the object's pose: the similarity that brings the mean landmarks closest to those of
the object, by least squares. Brought back by it, landmarks show only the object's shape; there an
affine map finds the points, and the pose brings them to the object. A second affine map, in the
frame of the input, is added: it has the landmarks' centre, and what a pose does not explain.

With landmarks z as complex numbers, a pose is a = <z, m - mean(m)> / |m - mean(m)|^2 for the mean
landmarks m, and an affine map is u -> W u + V conj(u) + b. Of u = z / a the points are
a (W z / a + V conj(z / a) + b) = W z + b a + (a / conj(a)) V conj(z), where a is linear in z: two
linear maps, of which the second is turned by twice the pose's angle.

Around the place that the map gives, each point may then be searched for in the network's features:
the point is the softargmax of a linear detector's response, times a Gaussian about that place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated

import numpy as np
from msgspec import Meta

from lmk.architectures.spec import Architecture
from lmk.arrays import Arrays, DoubleArray, FloatArray, Points
from lmk.geometry import heatmap_to_input
from lmk.system.errors import WeightsError
from lmk.system.schema import parse_json, read_as

PREFIX = "points."
"""Of the names of a map's tensors in a model's weights file."""
SEARCH, REACH = f"{PREFIX}search", f"{PREFIX}search_reach_px"
LEAST_SCALE2 = 1e-6  # of landmarks that coincide, which have no pose

PointName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\A[^\0-\x1f\x7f]*\Z")]
PointNumber = Annotated[int, Meta(ge=0, le=999)]


@dataclass(frozen=True)
class NamedPoints:
    """The names of P points, and the pairs of points, by number, that its skeleton joins."""

    names: Annotated[tuple[PointName, ...], Meta(max_length=1000)] = ()
    skeleton: Annotated[tuple[tuple[PointNumber, PointNumber], ...], Meta(max_length=10_000)] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for repeated names, and for a skeleton of other points."""
        if len(set(self.names)) < len(self.names):
            raise ValueError("points.names: expected different names")
        if any(max(pair) >= len(self.names) or pair[0] == pair[1] for pair in self.skeleton):
            raise ValueError(f"points.skeleton: expected pairs of {len(self.names)} points")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def bones(self) -> list[str]:
        """The skeleton in words, such as left_pupil-nose_tip."""
        return [f"{self.names[one]}-{self.names[other]}" for one, other in self.skeleton]

    def to_json(self) -> str:
        """One line that `points_from_json` reads back."""
        return json.dumps(asdict(self), separators=(",", ":"))


NO_POINTS = NamedPoints()


def points_from_json(text: str) -> NamedPoints:
    """Read what `NamedPoints.to_json` wrote. Raises ValueError."""
    return read_as(NamedPoints, parse_json(text))


@dataclass(frozen=True, eq=False)
class PointSearch:
    """A search for points in the network's features, around where they should be.

    weights (P, C): of the linear detector of each point. reach_px: deviation of the Gaussian, input
    px. grid (H * H, 2): the input pixels of the features, row by row.
    """

    weights: FloatArray
    reach_px: float
    grid: FloatArray

    def __call__(self, xy_input: Points, features: FloatArray) -> FloatArray:
        """Search for points near xy_input (N, P, 2) in features (N, C, H * H)."""
        response = self.weights @ features.astype(np.float32) + self.nearness(xy_input)
        mass = np.exp(response - response.max(-1, keepdims=True))
        return np.asarray(mass / mass.sum(-1, keepdims=True) @ self.grid, np.float32)

    def nearness(self, xy_input: Points) -> FloatArray:
        """Logarithm of the Gaussian about xy_input (N, P, 2), up to a constant (N, P, H * H)."""
        return np.asarray(xy_input @ self.towards + self.away, np.float32)

    @property
    def towards(self) -> FloatArray:
        """The part of the Gaussian's exponent that is linear in its centre, (2, H * H)."""
        return np.asarray(self.grid.T / self.reach_px**2, np.float32)

    @property
    def away(self) -> FloatArray:
        """The part that does not depend on its centre, (H * H,)."""
        return np.asarray(-(self.grid**2).sum(1) / (2 * self.reach_px**2), np.float32)

    def arrays(self) -> Arrays:
        """The tensors of a weights file."""
        return {SEARCH: self.weights, REACH: np.array([self.reach_px], np.float32)}


def heatmap_grid(side: int, stride: int) -> FloatArray:
    """Input pixels (side * side, 2) of a heatmap's pixels, row by row."""
    y, x = np.divmod(np.arange(side**2, dtype=np.float32), np.float32(side))
    return np.asarray(heatmap_to_input(np.stack([x, y], 1), stride), np.float32)


@dataclass(frozen=True, eq=False)
class PointMap:
    """From K landmarks to P points, all (x, y) in input pixels, flat as x0, y0, x1, y1, ...

    mean (K, 2): mean landmarks, which define the pose. fixed (2K, 2P), fixed_bias (2P,): the affine
    map of the landmarks. turned (2K, 2P): the linear map that is turned by twice the pose's angle,
    and added. float32. search: what follows the map, None for nothing.
    """

    mean: FloatArray
    fixed: FloatArray
    fixed_bias: FloatArray
    turned: FloatArray
    search: PointSearch | None = None

    def __call__(self, xy_input: Points, features: FloatArray | None = None) -> FloatArray:
        """Find points float32 (N, P, 2) from landmarks (N, K, 2).

        features (N, C, H * H): of the network, for the search; without them there is none.
        """
        mapped = self._mapped(xy_input)
        return mapped if self.search is None or features is None else self.search(mapped, features)

    def _mapped(self, xy_input: Points) -> FloatArray:
        flat = xy_input.reshape(len(xy_input), -1).astype(np.float32)
        pairs = (flat @ self.weights + self.bias).reshape(len(flat), -1, 2)
        fixed, turned, pose = np.split(pairs, [self.count, 2 * self.count], axis=1)
        scale2 = np.maximum((pose * pose).sum(1, keepdims=True), LEAST_SCALE2)  # of both columns
        return np.asarray(fixed + turned @ (pose @ pose / scale2), np.float32)

    @property
    def count(self) -> int:
        """P, the number of points."""
        return len(self.fixed_bias) // 2

    @property
    def weights(self) -> FloatArray:
        """All linear maps (2K, 4P + 4): fixed, turned, and the matrix (2, 2) of the pose.

        Points as rows are multiplied by that matrix to turn and scale them as the object is.
        """
        pose = pose_weights(self.mean).astype(np.float32)
        return np.concatenate([self.fixed, self.turned, pose], axis=1)

    @property
    def bias(self) -> FloatArray:
        """The constants (4P + 4,) of `weights`."""
        return np.pad(self.fixed_bias, (0, len(self.fixed_bias) + 4))

    def arrays(self) -> Arrays:
        """The tensors of a weights file."""
        own = {PREFIX + field.name: getattr(self, field.name) for field in fields(self)[:-1]}
        return own | (self.search.arrays() if self.search else {})


def map_in_frames(
    mean: Points, in_pose: Points, in_pose_bias: Points, in_input: Points, in_input_bias: Points
) -> PointMap:
    """Make one map of an affine map in the frame of the pose and one in that of the input.

    mean (K, 2). in_pose (2K, 2P), in_pose_bias (2P,): of landmarks that were brought back by the
    pose, of which the points are brought to the object. in_input, in_input_bias: added to that.
    """
    count, points = len(mean), len(in_pose_bias) // 2
    # One matrix (2, 2) of rows per landmark and point: a complex number and one of the conjugate.
    matrices = in_pose.astype(np.float64).reshape(count, 2, points, 2)
    (xx, xy), (yx, yy) = matrices[:, 0].transpose(2, 0, 1), matrices[:, 1].transpose(2, 0, 1)
    straight, conjugate = ((xx + yy) + 1j * (xy - yx)) / 2, ((xx - yy) + 1j * (xy + yx)) / 2
    pose = pose_weights(mean)[::2, 0] + 1j * pose_weights(mean)[::2, 1]
    straight = straight + pose[:, None] * (in_pose_bias[::2] + 1j * in_pose_bias[1::2])
    same = [[straight.real, straight.imag], [-straight.imag, straight.real]]
    mirrored = [[conjugate.real, conjugate.imag], [conjugate.imag, -conjugate.real]]
    fixed, turned = (
        np.array(parts).transpose(2, 0, 3, 1).reshape(2 * count, 2 * points)
        for parts in (same, mirrored)
    )
    return PointMap(
        mean=mean.astype(np.float32),
        fixed=(fixed + in_input).astype(np.float32),
        fixed_bias=np.asarray(in_input_bias, np.float32),
        turned=turned.astype(np.float32),
    )


def pose_weights(mean: Points) -> DoubleArray:
    """Weights (2K, 4) from landmarks to the matrix (2, 2) of their pose, in float64."""
    x, y = (mean - mean.mean(0)).astype(np.float64).T
    # a = sum z conj(m) / sum |m|^2 is linear in z: its parts, for the x and the y of a landmark.
    real, imaginary = np.stack([x, y], 1).ravel(), np.stack([-y, x], 1).ravel()
    matrix = np.stack([real, imaginary, -imaginary, real], 1)
    return np.asarray(matrix / max(float((x * x + y * y).sum()), LEAST_SCALE2), np.float64)


def split_points(arrays: Arrays) -> tuple[Arrays, Arrays]:
    """Split what a weights file holds into the network's tensors and those of its points."""
    points = {name: value for name, value in arrays.items() if name.startswith(PREFIX)}
    return {name: value for name, value in arrays.items() if name not in points}, points


def read_point_map(
    arrays: Mapping[str, FloatArray], landmarks: int, points: int, architecture: Architecture
) -> PointMap:
    """Read the map of K landmarks to P points from its tensors. Raises WeightsError."""
    flat, out = 2 * landmarks, 2 * points
    expected = {
        "mean": (landmarks, 2),
        "fixed": (flat, out),
        "fixed_bias": (out,),
        "turned": (flat, out),
    }
    own = list(expected)
    if SEARCH in arrays:
        expected |= {"search": (points, sum(architecture.point_features.values()))}
        expected |= {"search_reach_px": (1,)}
    found = {name.removeprefix(PREFIX): value.shape for name, value in arrays.items()}
    if found != expected or (SEARCH in arrays and not 0 < arrays[REACH][0] < np.inf):
        raise WeightsError(
            f"the points of the model do not match its manifest: expected {expected}, got "
            f"{found!s:.300}. Get the model again from its origin"
        )
    search = None
    if SEARCH in arrays:
        grid = heatmap_grid(architecture.heatmap_size, architecture.stride)
        search = PointSearch(arrays[SEARCH], float(arrays[REACH][0]), grid)
    return PointMap(**{name: arrays[PREFIX + name] for name in own}, search=search)
