"""Views: augmented copies of pictures, on which a stable model finds the same landmarks.

Pictures are rotated, mirrored, brightened, darkened or made noisy. Each view depends only on its
seed and the image's index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lmk.arrays import FloatArray, Images
from lmk.evaluation.formulas.consistency import DEGREES, random_turns
from lmk.system.opencv import cv2

BRIGHTNESS = 0.4  # gains lie between 1 - this and 1 + this
NOISE = 12.0  # standard deviation in grey levels of 0 to 255


@dataclass(frozen=True)
class View:
    """A change of images uint8 RGB (B, 128, 128, 3), given with the index (B,) of each.

    `description` names the change and its seed: equal descriptions give equal pictures.
    """

    description: str
    change: Callable[[Images, range], Images]


UNCHANGED = View("unchanged", lambda images, _: images)
MIRRORED = View("mirrored", lambda images, _: np.ascontiguousarray(images[:, :, ::-1]))


def turned(count: int, seed: int) -> View:
    """Rotate `count` images by `random_turns`, with replicated edges."""
    matrices = random_turns(count, seed)
    return View(
        f"turned by N(0, {DEGREES:g} degrees), seed {seed}",
        lambda images, index: turn_images(images, matrices[index.start : index.stop]),
    )


def brightened(seed: int) -> View:
    """Multiply each image by one gain, uniform in 1 -+ BRIGHTNESS, and clip."""

    def change(images: Images, index: range) -> Images:
        ends = (1 - BRIGHTNESS, 1 + BRIGHTNESS)
        gains = [np.random.default_rng([seed, i, 1]).uniform(*ends) for i in index]
        lit = images * np.array(gains, np.float32)[:, None, None, None]
        return np.asarray(lit.round().clip(0, 255), np.uint8)

    return View(f"brightness times 1 -+ {BRIGHTNESS:g}, seed {seed}", change)


def noisy(seed: int) -> View:
    """Add Gaussian noise to every pixel and channel, standard deviation NOISE, and clip."""

    def change(images: Images, index: range) -> Images:
        shape = images.shape[1:]
        noise = [np.random.default_rng([seed, i, 2]).normal(0, NOISE, shape) for i in index]
        return np.asarray((images + np.stack(noise)).round().clip(0, 255), np.uint8)

    return View(f"Gaussian noise of {NOISE:g} grey levels, seed {seed}", change)


def turn_images(images: Images, matrices: FloatArray) -> Images:
    """Warp images (B, H, W, 3) by matrices (B, 2, 3), bilinear, with replicated edges."""
    out = np.empty_like(images)
    for image, matrix, warped in zip(images, matrices, out, strict=True):
        cv2.warpAffine(
            image,
            matrix,
            (images.shape[2], images.shape[1]),
            dst=warped,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return out
