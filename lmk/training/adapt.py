"""Unsupervised adaptation: landmarks that help to paint a picture from a deformed copy of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.data.batch import batch_indices, jitter_color, step_generator, to_float
from lmk.data.similarity import SimilarityRange, compose, invert, random_similarity, warp
from lmk.geometry import HEATMAP_SIZE, apply_affine, heatmap_to_input, input_to_heatmap
from lmk.networks.generator import Generator
from lmk.networks.hourglass import Hourglass
from lmk.networks.perceptual import perceptual_distance
from lmk.networks.softargmax import gaussian_heatmaps, softargmax
from lmk.training.device import Compute
from lmk.training.geometric import equivariance, separation
from lmk.training.methods import train_mode


@dataclass(frozen=True)
class AdaptOptions:
    """Settings of an adaptation; defaults give useful landmarks in a quarter of an hour on 2 cores.

    Weights multiply the terms of the loss; rates are Adam's; ranges are those of the random
    similarity that makes each of the two views of a picture.
    """

    steps: int = 1000
    batch_size: int = 16
    num_landmarks: int = 10
    beta: float = 10.0
    sigma: float = 0.5**0.5
    generator_width: int = 16
    perceptual: float = 3.0
    perceptual_size: int = 64
    equivariance: float = 1.0
    separation: float = 1.0
    separation_scale: float = 3.0
    rate_body: float = 3e-4
    rate_head: float = 1e-3
    rate_generator: float = 2e-3
    degrees: float = 25.0
    zoom: float = 0.2
    shift: float = 0.08
    color: float = 0.2
    seed: int = 0


class AdaptLearner:
    """A detector and a generator trained together on unlabelled crops."""

    def __init__(
        self,
        crops: npt.NDArray[np.uint8],
        detector: Hourglass,
        features: nn.Module,
        options: AdaptOptions,
        compute: Compute,
    ) -> None:
        torch.manual_seed(options.seed)
        self.crops, self.options, self.compute = crops, options, compute
        self.detector = detector
        self.generator = Generator(options.num_landmarks, options.generator_width)
        self.features = features
        for module in (self.detector, self.generator, self.features):
            module.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"detector": self.detector, "generator": self.generator}
        self.optimizer = torch.optim.Adam(self._groups(), betas=(0.0, 0.9), eps=1e-8)
        self.ranges = SimilarityRange(options.degrees, options.zoom, options.shift)

    def losses(self, step: int) -> dict[str, Tensor]:
        """Reconstruction, equivariance and separation of one batch of pairs."""
        options = self.options
        view, deformed, view_to_deformed = self._pair(step)
        xy, xy_deformed = self._detect(torch.cat([view, deformed])).chunk(2)
        painted = self._paint(deformed, xy)
        losses = {
            "pixel": F.mse_loss(painted, view),
            "perceptual": self._perceptual(painted, view),
            "equivariance": equivariance(
                xy_deformed,
                input_to_heatmap(apply_affine(view_to_deformed, heatmap_to_input(xy))),
                HEATMAP_SIZE,
            ),
            "separation": separation(xy, options.separation_scale),
        }
        total = (
            losses["pixel"]
            + options.perceptual * losses["perceptual"]
            + options.equivariance * losses["equivariance"]
            + options.separation * losses["separation"]
        )
        return {"loss": total, **losses}

    def _groups(self) -> list[dict[str, object]]:
        options = self.options
        head = set(self.detector.head.parameters())
        learnable = [p for p in self.detector.parameters() if p.requires_grad]
        body = [p for p in learnable if p not in head]
        return [
            {"params": body, "lr": options.rate_body},
            {"params": list(head), "lr": options.rate_head},
            {"params": list(self.generator.parameters()), "lr": options.rate_generator},
        ]

    def _pair(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Two views (B, 3, 128, 128) of each picture, and matrices from the first to the second."""
        options, device = self.options, self.compute.device
        random = step_generator(step, options.seed, device)
        index = batch_indices(len(self.crops), options.batch_size, step, options.seed)
        crops = to_float(self.crops[index], device)
        to_crop = [
            random_similarity(len(index), self.ranges, crops.shape[-1], random) for _ in range(2)
        ]
        crops = jitter_color(crops, options.color, random)
        view, deformed = (
            warp(crops, matrix).contiguous(memory_format=torch.channels_last) for matrix in to_crop
        )
        return view, deformed, compose(invert(to_crop[1]), to_crop[0])

    def _detect(self, images: Tensor) -> Tensor:
        train_mode(self.detector)
        with self.compute.autocast():
            heatmaps = self.detector(images)
        return softargmax(heatmaps, self.options.beta)[0]

    def _paint(self, deformed: Tensor, xy: Tensor) -> Tensor:
        size = (HEATMAP_SIZE, HEATMAP_SIZE)
        heatmaps = gaussian_heatmaps(xy, size, self.options.sigma)
        self.generator.train()
        with self.compute.autocast():
            return self.generator(deformed, heatmaps)  # type: ignore[no-any-return]

    def _perceptual(self, painted: Tensor, view: Tensor) -> Tensor:
        size = self.options.perceptual_size
        if size != view.shape[-1]:
            shape = (size, size)
            painted, view = (
                F.interpolate(x, shape, mode="bilinear", antialias=True) for x in (painted, view)
            )
        with self.compute.autocast():
            return perceptual_distance(self.features, painted, view)
