"""Supervised training of a core: heatmap regression on annotated keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lmk.data.batch import batch_indices, jitter_color, step_generator, to_float
from lmk.data.coco import KeypointSet
from lmk.data.similarity import SimilarityRange, invert, random_similarity, warp
from lmk.geometry import HEATMAP_SIZE, apply_affine, input_to_heatmap
from lmk.networks.hourglass import Hourglass
from lmk.networks.softargmax import gaussian_heatmaps
from lmk.training.device import Compute

# exp(-d^2 / 4), far wider than the bottleneck's peak: with a narrow one almost all of a target is
# zero, and predicting zero everywhere is a plateau that takes long to leave.
TARGET_SIGMA = 2.0


@dataclass(frozen=True)
class PretrainOptions:
    """Settings of a core's training; defaults are those of the shipped core."""

    steps: int = 6000
    batch_size: int = 24
    learning_rate: float = 5e-4
    weight_decay: float = 1e-4
    degrees: float = 30.0
    zoom: float = 0.25
    shift: float = 0.06
    color: float = 0.2
    seed: int = 0


class CoreLearner:
    """Hourglass regressing one Gaussian a joint; unlabelled joints carry no loss."""

    def __init__(self, data: KeypointSet, options: PretrainOptions, compute: Compute) -> None:
        torch.manual_seed(options.seed)
        self.options, self.compute, self.data = options, compute, data
        self.network = Hourglass(len(data.names))
        nn.init.zeros_(self.network.head.weight)  # start from empty heatmaps, near their targets
        self.network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules = {"network": self.network}
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.mirrored = torch.tensor(data.mirrored_order(), device=compute.device)
        self.ranges = SimilarityRange(options.degrees, options.zoom, options.shift)

    def losses(self, step: int) -> dict[str, Tensor]:
        """Masked mean squared error of one augmented batch."""
        images, xy_input, labelled = self._batch(step)
        size = (HEATMAP_SIZE, HEATMAP_SIZE)
        target = gaussian_heatmaps(input_to_heatmap(xy_input), size, TARGET_SIGMA)
        self.network.train()
        with self.compute.autocast():
            heatmaps = self.network(images)
        error = (heatmaps.float() - target).square().sum((2, 3))
        return {"loss": (error * labelled).sum() / labelled.sum()}

    def _batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        options, device = self.options, self.compute.device
        generator = step_generator(step, options.seed, device)
        index = batch_indices(len(self.data.crops), options.batch_size, step, options.seed)
        crops = to_float(self.data.crops[index], device)
        xy = torch.from_numpy(self.data.xy_crop[index]).to(device)
        labelled = torch.from_numpy(self.data.labelled[index]).to(device)
        flip = torch.rand(len(index), generator=generator, device=device) < 0.5
        to_crop = random_similarity(len(index), self.ranges, crops.shape[-1], generator, flip)
        xy = apply_affine(invert(to_crop), xy)
        xy = torch.where(flip[:, None, None], xy[:, self.mirrored], xy)
        labelled = torch.where(flip[:, None], labelled[:, self.mirrored], labelled)
        images = jitter_color(warp(crops, to_crop), options.color, generator)
        return images.contiguous(memory_format=torch.channels_last), xy, labelled
