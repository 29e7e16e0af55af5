"""A category without photographs: a jointed toy fox with known points.

It stands upright and faces the viewer; head, ears, arms, legs and tail rotate at their joints, and
proportions, colours, light and background vary. `left` is the fox's own left, on the right of the
picture, as in COCO. Its tail is always on that side. This module has two frames of reference of its
own. Figure units: the fox is about 100 high, (0, 0) is its belly, y points down. Canvas pixels: the
enlarged crop, whose reduction smooths the edges.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmk.arrays import DoubleArray, FloatArray
from lmk.data.images import CROP_SIZE
from lmk.geometry import apply_affine, resize_xy
from lmk.system.opencv import cv2

EARS, HANDS, FEET = (
    {side: f"{name}_{part}" for side, name in ((-1, "right"), (1, "left"))}
    for part in ("ear", "hand", "foot")
)
NAMES = [*EARS.values(), "nose", "scarf", *HANDS.values(), "belly", *FEET.values(), "tail_tip"]

# Capsules of one RGB colour, each the hull of two circles: (2, 3) as x, y, radius.
Part = tuple[list[DoubleArray], DoubleArray]

ENLARGED = 3
FIXED_POINT_BITS = 4  # fractions of a canvas pixel that OpenCV's drawing understands
SHADES = 6
TURNS = np.linspace(0, 2 * np.pi, 32, endpoint=False)
DIRECTIONS = np.stack([np.cos(TURNS), np.sin(TURNS)], axis=1)
BLACK = np.array([0.13, 0.10, 0.12])
FUR_HUES = (0.04, 0.05, 0.07, 0.09, 0.58, 0.36, 0.78)  # foxes, then the toy shop


class _Coat(NamedTuple):
    fur: DoubleArray
    pale: DoubleArray
    sock: DoubleArray  # of hands, feet and the tips of the ears
    scarf: DoubleArray


@dataclass
class _Fox:
    """A fox under construction: its parts from back to front, and its points, in figure units."""

    rng: np.random.Generator
    coat: _Coat
    plump: float
    parts: list[Part] = field(default_factory=list)
    points: dict[str, DoubleArray] = field(default_factory=dict)

    def add(self, color: DoubleArray, *capsules: DoubleArray) -> None:
        self.parts.append((list(capsules), color))


def draw(
    count: int, seed: int, size: int = CROP_SIZE
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Draw `count` foxes.

    Returns uint8 RGB crops (N, size, size, 3) and xy_crop float32 (N, 10, 2) in crop pixels, in
    the order of NAMES, all inside the crop. Image i depends only on seed, size and i.
    """
    crops = np.empty((count, size, size, 3), np.uint8)
    xy_crop = np.empty((count, len(NAMES), 2), np.float32)
    for index in range(count):
        crops[index], xy_crop[index] = draw_one(index, seed, size)
    return crops, xy_crop


def draw_one(
    index: int, seed: int, size: int = CROP_SIZE
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Draw image `index` of a seed: its crop (size, size, 3) and points (10, 2), as in `draw`."""
    rng = np.random.default_rng([seed, index])
    hue = rng.choice(FUR_HUES) + rng.uniform(-0.02, 0.02)
    fox = _assemble(rng, _coat(rng, hue))
    xy = np.array([fox.points[name] for name in NAMES])
    to_crop = _place(rng, xy, size)
    figure = _draw_figure(fox.parts, to_crop, _rotation(rng.uniform(-50, 50)) @ (0, -1), size)
    xy_crop = apply_affine(to_crop, xy)
    image = figure[..., :3] + _background(rng, hue, xy_crop, size) * (1 - figure[..., 3:])
    image *= 1 + 0.02 * rng.standard_normal((size, size, 1), np.float32)
    return np.asarray(cv2.convertScaleAbs(image, alpha=255), np.uint8), xy_crop


def _coat(rng: np.random.Generator, hue: float) -> _Coat:
    return _Coat(
        fur=_color(hue, rng.uniform(0.6, 0.9), rng.uniform(0.75, 0.95)),
        pale=_color(rng.uniform(0.07, 0.13), rng.uniform(0.05, 0.2), 0.97),
        sock=_color(hue, rng.uniform(0.4, 0.6), rng.uniform(0.2, 0.3)),
        scarf=_color(hue + rng.uniform(0.3, 0.7), rng.uniform(0.6, 0.9), rng.uniform(0.7, 0.95)),
    )


def _assemble(rng: np.random.Generator, coat: _Coat) -> _Fox:
    fox = _Fox(rng, coat, plump=rng.uniform(0.85, 1.15))
    _add_tail(fox)
    for side in (-1, 1):
        _add_leg(fox, side)
    fox.points["belly"] = np.zeros(2)
    fox.add(coat.fur, _capsule((0, -14), 10 * fox.plump, (0, 4), 13.5 * fox.plump))
    fox.add(coat.pale, _capsule((0, -5), 6 * fox.plump, (0, 4), 9 * fox.plump))
    _add_head(fox)
    for side in (-1, 1):
        _add_arm(fox, side)
    _add_scarf(fox)
    return fox


def _add_tail(fox: _Fox) -> None:
    length, bend = fox.rng.uniform(44, 52), np.radians(fox.rng.uniform(20, 80))
    along = np.linspace(0, 1, 10)
    headings = np.radians(fox.rng.uniform(-35, 10)) + bend * (0.5 - along[:-1])
    steps = length / 9 * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    spine = np.array([5.0, 11.0]) + np.concatenate([np.zeros((1, 2)), steps.cumsum(0)])
    radii = np.interp(along, [0, 0.6, 0.85, 1], [3, 7.5, 6, 2.2])
    circles = np.column_stack([spine, radii])
    capsules = [circles[i : i + 2] for i in range(9)]
    fox.add(fox.coat.fur, *capsules)
    fox.add(fox.coat.pale, *capsules[7:])
    fox.points["tail_tip"] = spine[8]


def _add_leg(fox: _Fox, side: int) -> None:
    thigh = fox.rng.uniform(-5, 35)
    shin = thigh - fox.rng.uniform(-10, 30)
    hip = np.array([side * 7 * fox.plump, 11])
    knee = hip + _limb(side, 90 - thigh, fox.rng.uniform(12, 15))
    ankle = knee + _limb(side, 90 - shin, fox.rng.uniform(11, 14))
    toe = ankle + _limb(side, 25 - shin, 4.5)
    upper, lower = _capsule(hip, 7 * fox.plump, knee, 5.5), _capsule(knee, 5.5, ankle, 4.5)
    fox.add(fox.coat.fur, upper, lower)
    fox.add(fox.coat.sock, _capsule(ankle, 5.2, toe, 4.4))
    fox.points[FEET[side]] = (ankle + toe) / 2


def _add_arm(fox: _Fox, side: int) -> None:
    upper = fox.rng.uniform(-60, 45)
    lower = min(upper + fox.rng.uniform(-10, 75), 78)
    shoulder = np.array([side * 8.5 * fox.plump, -15])
    elbow = shoulder + _limb(side, -upper, fox.rng.uniform(12, 15))
    wrist = elbow + _limb(side, -lower, fox.rng.uniform(10, 13))
    hand = wrist + _limb(side, -lower, 2)
    fox.add(fox.coat.fur, _capsule(shoulder, 5, elbow, 4.4), _capsule(elbow, 4.4, wrist, 3.8))
    fox.add(fox.coat.sock, _capsule(wrist, 4.6, hand, 5))
    fox.points[HANDS[side]] = hand


def _add_head(fox: _Fox) -> None:
    """Build the head around (0, 0), turned a little aside, then tilt it and put it on the neck."""
    rng, coat, first = fox.rng, fox.coat, len(fox.parts)
    ear, aside, nod = rng.uniform(13, 19), rng.uniform(-4, 4), rng.uniform(-1.5, 2)
    for side in (-1, 1):
        base = np.array([side * 9.5, -9])
        along = _limb(side, -rng.uniform(50, 85), ear)
        fox.add(coat.fur, _capsule(base, 6.5, base + along, 1.2))
        fox.add(coat.sock, _capsule(base + 0.6 * along, 3.6, base + along, 1.3))
        fox.add(coat.pale, _capsule(base, 3.6, base + 0.55 * along, 1))
        fox.points[EARS[side]] = base + 0.88 * along
    cheeks = [_capsule((0, -2), 14, (s * 11, 4), 7) for s in (-1, 1)]
    tufts = [_capsule((s * 10, 5), 6.5, (s * 19, 8), 1) for s in (-1, 1)]
    fox.add(coat.fur, *cheeks, *tufts)
    nose = np.array([aside, 4 + nod])
    jaw = [_capsule((s * 6 + aside / 2, 7), 5.5, (s * 17, 8), 1) for s in (-1, 1)]
    fox.add(coat.pale, *jaw, _capsule((aside / 2, 7), 6, nose, 6))
    for side in (-1, 1):
        eye = np.array([side * 6.8 + 0.7 * aside, -2.5 + 0.5 * nod])
        fox.add(BLACK, _pill(eye, 2.3, (0, 0.7)))
        fox.add(np.ones(3), _pill(eye - (0.8, 1.2), 0.9))
    fox.add(BLACK, _pill(nose, 2.6, (1.4, 0)))
    fox.points["nose"] = nose
    turn = rng.uniform(0.95, 1.15) * _rotation(rng.uniform(-18, 18))
    to_body = np.column_stack([turn, (0, -20) + turn @ (0, -15)])
    for name in (*EARS.values(), "nose"):
        fox.points[name] = apply_affine(to_body, fox.points[name][None])[0]
    for index, (capsules, color) in enumerate(fox.parts[first:], first):
        fox.parts[index] = ([_move(capsule, to_body) for capsule in capsules], color)


def _add_scarf(fox: _Fox) -> None:
    knot = np.array([-4.0, -19])
    end = knot + _limb(-1, fox.rng.uniform(60, 100), 13)
    fox.add(fox.coat.scarf, _pill((0, -20), 3.8, (9, 0)))
    fox.add(fox.coat.scarf, _capsule(knot, 2.2, end, 3.8))
    fox.add(fox.coat.scarf, _pill(knot, 4.6))
    fox.points["scarf"] = knot


def _limb(side: int, degrees: float, length: float) -> DoubleArray:
    """Step of `length` away from the body, `degrees` below the horizontal."""
    return length * _rotation(degrees)[:, 0] * (side, 1)


def _capsule(start: npt.ArrayLike, start_r: float, end: npt.ArrayLike, end_r: float) -> DoubleArray:
    return np.column_stack([np.array([start, end], np.float64), [start_r, end_r]])


def _pill(center: npt.ArrayLike, radius: float, half: npt.ArrayLike = (0, 0)) -> DoubleArray:
    """A capsule of even width, `half` to either side of its centre."""
    return _capsule(np.subtract(center, half), radius, np.add(center, half), radius)


def _move(circles: DoubleArray, matrix: DoubleArray) -> DoubleArray:
    """Map circles (..., 2, 3) by a similarity (2, 3), radii with them."""
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    xy = apply_affine(matrix, circles[..., :2])
    return np.concatenate([xy, circles[..., 2:] * scale], axis=-1)


def _rotation(degrees: float) -> DoubleArray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def _place(rng: np.random.Generator, xy: DoubleArray, size: int) -> DoubleArray:
    """Matrix (2, 3) from figure units to crop pixels: a mild turn, size and shift."""
    turn = _rotation(rng.uniform(-12, 12))
    turned = xy @ turn.T
    low, high = turned.min(0), turned.max(0)
    scale = size * min(rng.uniform(0.0068, 0.0076), 0.78 / (high - low).max())
    center = (size - 1) / 2 + size * rng.uniform(-0.04, 0.04, 2)
    return np.column_stack([scale * turn, center - scale * (low + high) / 2])


def _draw_figure(
    parts: list[Part], to_crop: DoubleArray, light: DoubleArray, size: int
) -> FloatArray:
    """Draw parts from back to front: float32 RGBA (size, size, 4) in [0, 1], premultiplied.

    Each part is drawn SHADES times, smaller, brighter and nearer to the light each time.
    """
    canvas = np.zeros((ENLARGED * size, ENLARGED * size, 4), np.uint8)
    level = np.linspace(0, 1, SHADES)
    capsules = np.array([capsule for group, _ in parts for capsule in group])
    outlines = _outlines(_move(capsules, to_crop), level, light)
    tones, first = 255 * (0.62 + 0.5 * level**0.7), 0
    for group, color in parts:
        last = first + len(group)
        for shade, rgb in enumerate(np.minimum(color * tones[:, None], 255).tolist()):
            for outline in outlines[first:last, shade]:
                cv2.fillConvexPoly(canvas, outline, (*rgb, 255), cv2.LINE_8, FIXED_POINT_BITS)
        first = last
    reduced = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    layers: FloatArray = np.divide(reduced, 255, dtype=np.float32)
    return layers


def _outlines(
    capsules: DoubleArray, level: DoubleArray, light: DoubleArray
) -> npt.NDArray[np.int32]:
    """Outlines (C, SHADES, D, 2) in canvas pixels, fixed point, of capsules (C, 2, 3) in crop."""
    xy, radius = capsules[:, None, :, :2], capsules[:, None, :, 2:]
    center = resize_xy(xy + 0.4 * level[:, None, None] * light * radius, ENLARGED)
    radius = ENLARGED * radius * (1 - 0.8 * level[:, None, None])
    # In each direction a hull reaches as far as the circle that reaches farthest.
    reach = center @ DIRECTIONS.T + radius
    circles = center[..., None, :] + radius[..., None] * DIRECTIONS
    start_wins = (reach[:, :, 0] > reach[:, :, 1])[..., None]
    outline = np.where(start_wins, circles[:, :, 0], circles[:, :, 1])
    return np.asarray((outline * 2**FIXED_POINT_BITS).round(), np.int32)


def _background(
    rng: np.random.Generator, hue: float, xy_crop: DoubleArray, size: int
) -> FloatArray:
    """A patterned wall and a floor with the fox's shadow: float32 RGB (size, size, 3)."""
    hues = hue + rng.uniform(0.15, 0.85, 3)
    wall, other, floor = (_color(h, rng.uniform(0.1, 0.55), rng.uniform(0.4, 0.95)) for h in hues)
    coarse = rng.random((5, 5), np.float32)
    blotches = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    share = 0.3 * blotches + rng.uniform(0.05, 0.2) * (_pattern(rng, size)[..., None] + 1)
    scene = wall.astype(np.float32) + (other - wall).astype(np.float32) * share
    feet = xy_crop[[NAMES.index(name) for name in FEET.values()]].astype(np.float32)
    horizon = round(feet[:, 1].min() - size * rng.uniform(0.02, 0.2))
    scene[horizon:] = floor.astype(np.float32) * (0.8 + 0.3 * blotches[horizon:])
    pixels = np.arange(size, dtype=np.float32)
    across = (pixels - feet[:, 0].mean()) / (0.1 * size + abs(feet[0, 0] - feet[1, 0]) / 2)
    down = (pixels - feet[:, 1].mean() - 0.035 * size) / (0.035 * size)
    shadow = 0.55 * np.exp(-0.7 * down[:, None] ** 2) * np.exp(-0.7 * across**2)
    return np.asarray(scene * (1 - shadow[..., None]), np.float32)


def _pattern(rng: np.random.Generator, size: int) -> FloatArray:
    """Plain, stripes, checks or waves, at any angle: (size, size) in [-1, 1]."""
    kind, period = rng.integers(4), size * rng.uniform(0.06, 0.3)
    pixels = np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / period)
    cos, sin = _rotation(rng.uniform(0, 180)).astype(np.float32)[:, 0]
    along = cos * pixels + sin * pixels[:, None]
    across = cos * pixels[:, None] - sin * pixels
    if kind == 0:
        return np.zeros_like(along)
    if kind == 1:
        along += np.float32(1.5) * np.sin(across)
    wave = np.sin(along) * (np.sin(across) if kind == 2 else np.float32(1))
    # Steep, so that an edge of the pattern is about a pixel wide
    return np.asarray(np.clip(wave * np.float32(period / 6), -1, 1), np.float32)


def _color(hue: float, saturation: float, value: float) -> DoubleArray:
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value))
