"""Two random views of each picture, and how points move from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lmk.data.batch import (
    batch_indices,
    random_color,
    random_noise,
    recolor,
    step_generator,
    to_float,
)
from lmk.data.packed import Crops
from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.geometry import compose_affine, invert_affine
from lmk.training.device import Compute
from lmk.training.options import AdaptOptions

FIXED_SEED = 2**32 - 1  # of the pictures that are looked at again and again


@dataclass(frozen=True)
class Pair:
    """Views and deformed views, (B, 3, S, S), RGB in [0, 1], S the input size.

    seen (2 B, 3, S, S) is what the detector is shown: the first, then the second, with noise.
    view_to_deformed (B, 2, 3) moves input pixels of the first to those of the second.
    """

    view: Tensor
    deformed: Tensor
    seen: Tensor
    view_to_deformed: Tensor


class Views:
    """Draws the pairs of a step; every process draws the same and keeps its share."""

    def __init__(
        self, crops: Crops, input_size: int, options: AdaptOptions, compute: Compute
    ) -> None:
        self.input_size = input_size
        self.crops, self.options, self.compute = crops, options, compute
        normal = options.rotation == "normal"
        self.ranges = [
            SimilarityRange(degrees, options.zoom, options.shift, normal)
            for degrees in (options.degrees, options.degrees_deformed)
        ]

    def pair(self, step: int) -> Pair:
        """Draw the pairs of a step."""
        return self._draw(step, self.options.seed, self.compute.rows(self.options.batch_size))

    def fixed(self) -> Pair:
        """Draw the same pairs at any time, a whole batch in any process."""
        return self._draw(0, FIXED_SEED, slice(None))

    def _draw(self, step: int, seed: int, rows: slice) -> Pair:
        options, device = self.options, self.compute.device
        index = batch_indices(len(self.crops), options.batch_size, step, seed)
        random = step_generator(step, seed, device)
        flip = torch.rand(len(index), generator=random, device=device) < 0.5 * options.flip
        size = self.crops.shape[1]
        to_crop = [
            random_similarity(len(index), r, size, self.input_size, random, flip)[rows]
            for r in self.ranges
        ]
        color = random_color(len(index), options.color, random)[rows]
        crops = recolor(to_float(self.crops[index[rows]], device), color)
        view, deformed = (
            warp(crops, matrix, self.input_size).contiguous(
                memory_format=self.compute.memory_format
            )
            for matrix in to_crop
        )
        seen = torch.cat([view, deformed])
        if options.noise:
            noise = random_noise((2, len(index), *view.shape[1:]), options.noise, random)[:, rows]
            seen = (seen + noise.flatten(0, 1)).clamp(0, 1)
        return Pair(view, deformed, seen, compose_affine(invert_affine(to_crop[1]), to_crop[0]))
