"""Two random views of each picture, and how points move from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lmk.data.batch import (
    batch_indices,
    blur,
    occlude,
    random_color,
    random_noise,
    random_rectangles,
    recolor,
    step_generator,
    to_float,
)
from lmk.data.field import bend, displacement, random_offsets, smooth_field
from lmk.data.packed import Crops
from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.geometry import apply_affine, compose_affine, invert_affine
from lmk.training.device import Compute
from lmk.training.learner import EVALUATION_SEED
from lmk.training.options import AdaptOptions


@dataclass(frozen=True)
class Pair:
    """Views and deformed views, (B, 3, S, S), RGB in [0, 1], S the input size.

    seen (2 B, 3, S, S) is what the network sees: the first, then the second, with hidden
    parts, blur and noise. From the first to the second, points are moved by view_to_deformed
    (B, 2, 3), then by field (B, 2, S, S), in input pixels; then landmarks trade numbers: number i
    is what number partner[i] was, partner (B, K).
    """

    view: Tensor
    deformed: Tensor
    seen: Tensor
    view_to_deformed: Tensor
    field: Tensor | None = None
    partner: Tensor | None = None

    def to_deformed(self, xy_input: Tensor) -> Tensor:
        """Where the landmarks (B, K, 2) of the views are expected in the deformed ones."""
        xy: Tensor = apply_affine(self.view_to_deformed, xy_input)
        if self.field is not None:
            xy = xy + displacement(self.field, xy)
        if self.partner is not None:
            xy = xy.gather(1, self.partner[..., None].expand_as(xy))
        return xy


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

    def pair(self, step: int, partner: Tensor | None = None) -> Pair:
        """Draw the pairs of a step; with partners (K,), half of the second views are mirrored."""
        rows = self.compute.rows(self.options.batch_size)
        return self._draw(step, self.options.seed, rows, partner)

    def fixed(self) -> Pair:
        """Draw the same pairs at any time, a whole batch in any process, none mirrored apart."""
        return self._draw(0, EVALUATION_SEED, slice(None))

    def _draw(self, step: int, seed: int, rows: slice, partner: Tensor | None = None) -> Pair:
        options, device, size = self.options, self.compute.device, self.input_size
        index = batch_indices(len(self.crops), options.batch_size, step, seed)
        random, count = step_generator(step, seed, device), len(index)
        flips = [torch.rand(count, generator=random, device=device) < 0.5 * options.flip] * 2
        if partner is not None:
            traded = torch.rand(count, generator=random, device=device) < 0.5
            flips[1] = flips[0] ^ traded
            same = torch.arange(len(partner), device=device)
            partner = torch.where(traded[rows, None], partner.to(device), same)
        to_crop = [
            random_similarity(count, r, self.crops.shape[1], size, random, flip)[rows]
            for r, flip in zip(self.ranges, flips, strict=True)
        ]
        color = random_color(count, options.color, random)[rows]
        crops = recolor(to_float(self.crops[index[rows]], device), color)
        view, field = warp(crops, to_crop[0], size), None
        if options.warp:
            field = smooth_field(random_offsets(count, random)[rows] * options.warp * size, size)
            deformed = bend(crops, to_crop[1], field)
        else:
            deformed = warp(crops, to_crop[1], size)
        view, deformed = (
            images.contiguous(memory_format=self.compute.memory_format)
            for images in (view, deformed)
        )
        seen = self._disturb(torch.cat([view, deformed]), random, rows)
        view_to_deformed = compose_affine(invert_affine(to_crop[1]), to_crop[0])
        return Pair(view, deformed, seen, view_to_deformed, field, partner)

    def _disturb(self, seen: Tensor, random: torch.Generator, rows: slice) -> Tensor:
        """Hide parts of what the network sees (2 B, 3, S, S), blur it and add noise."""
        options, whole = self.options, (2, self.options.batch_size)
        if options.occlusion:
            rectangles = random_rectangles(whole, options.occlusion, random)[:, rows]
            seen = occlude(seen, rectangles.flatten(0, 1))
        if options.blur:
            chosen = torch.rand(whole, generator=random, device=random.device) < options.blur
            seen = blur(seen, chosen[:, rows].flatten())
        if options.noise:
            noise = random_noise((*whole, *seen.shape[1:]), options.noise, random)[:, rows]
            seen = (seen + noise.flatten(0, 1)).clamp(0, 1)
        return seen
