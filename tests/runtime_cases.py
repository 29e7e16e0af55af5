"""What ports of the Python runtime, to JavaScript and in the examples, are compared on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.geometry import apply_affine, input_to_image_of
from lmk.model.folder import find_model
from lmk.model.framing import Framing

CROPS = [
    ((320, 240), (60, 40, 128, 100, 0), 128),  # nearly every pixel
    ((320, 240), (90.3, 55.7, 37, 41, 0), 128),  # enlarged
    ((320, 240), (-30, 100, 250, 200, 24), 96),  # turned, beyond two edges
    ((640, 480), (20, 10, 456, 456, 0), 128),  # three samples a pixel
    ((1280, 960), (100, 30, 900, 800, -35), 128),  # blocks, turned
    ((1280, 960), (-200, -300, 1900, 1700, 0), 128),  # blocks, beyond all edges
]


def framing() -> Framing:
    return find_model("faces-small").manifest.framing  # type: ignore[return-value]


def textured(width: int, height: int) -> Image:
    """Smooth blobs with a fine grid over them, no two corners alike."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / a + y / b) for a, b in ((17, 29), (11, -23), (31, 13))]
    image = 127 + 90 * np.stack(waves, -1) + 30 * ((x // 3 + y // 2) % 2)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def fits() -> Iterator[tuple[FloatArray, FloatArray, bool, FloatArray, float]]:
    """Landmarks (K, 2), scores (K,), whether any angle is allowed; and the fit: box and misfit."""
    rng, one = np.random.default_rng(4), framing()
    mean = np.array(one.landmarks_input, np.float32)
    for degrees in (0, 5, -14, 20, 30, -100, 179):
        for turned in (False, True):
            box = np.array([[50, 20, 210, 210, degrees]], np.float32)
            xy = apply_affine(input_to_image_of(box, one.input_size), mean)[0]
            xy = (xy + rng.normal(0, 4, xy.shape)).astype(np.float32)
            scores = rng.uniform(0.05, 1, len(xy)).astype(np.float32)
            (fitted,), (misfit_px,) = one.fit(xy[None], scores[None], turned)
            yield xy, scores, turned, fitted, misfit_px
