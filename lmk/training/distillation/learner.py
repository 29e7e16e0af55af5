"""Distillation: a student learns the landmarks that its teachers found."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from lmk.architectures.network import LandmarkNetwork
from lmk.arrays import FloatArray
from lmk.data.batch import batch_indices, random_color, recolor, step_generator, to_float
from lmk.data.packed import Crops
from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.geometry import apply_affine, heatmap_to_input, input_to_heatmap, invert_affine
from lmk.networks.softargmax import pixel_grid
from lmk.training.adaptation.mirror import PICTURE_PX
from lmk.training.device import Compute
from lmk.training.distillation.labels import Labels
from lmk.training.learner import Observation
from lmk.training.options import DistillOptions
from lmk.training.samples import sheet, to_image

HELD_OUT, HELD_OUT_SHARE = 256, 0.1
FAR_PX = 3.0  # of a 128 px picture
STILL = SimilarityRange(0, 0, 0)


class _Batch(NamedTuple):
    """images (B, 3, S, S); xy (B, K, 2), in input pixels, to learn; weights (B, K)."""

    images: Tensor
    xy: Tensor
    weights: Tensor


class DistillLearner:
    """A student, and crops (N, S, S, 3) with the landmarks that its teachers found in them.

    Some of the crops, evenly spread, are held out, to compare the student with its teachers.
    """

    def __init__(
        self,
        crops: Crops,
        labels: Labels,
        student: LandmarkNetwork,
        options: DistillOptions,
        compute: Compute,
    ) -> None:
        self.crops, self.options, self.compute = crops, options, compute
        self.network, self.architecture = student, student.architecture
        self._placed = compute.place(student)
        self.modules = {"student": student}
        self.optimizer = torch.optim.AdamW(
            student.parameters(),
            options.learning_rate,
            weight_decay=options.weight_decay,
            fused=True,
        )
        self.ranges = SimilarityRange(options.degrees, options.zoom, options.shift)
        self.held_out, self.trained_on = split(len(crops))
        self.xy_crop = torch.from_numpy(labels.xy)
        self.weights = torch.ones(labels.spread.shape)
        if options.weight_by_spread:
            self.weights = torch.from_numpy(weights_of(labels.spread))
        self.partner = torch.tensor(labels.partner) if labels.partner else None

    @property
    def batch_size(self) -> int:
        """Pictures per step."""
        return self.options.batch_size

    def losses(self, step: int) -> dict[str, Tensor]:
        """The two terms of one augmented batch, and their sum."""
        self.network.train()
        terms = self._terms(self._placed, self._batch(step))[0]
        return {"loss": sum(terms.values(), torch.zeros(())), **terms}

    def observe(self) -> Observation:
        """Compare the student with its teachers on the held-out crops, without augmentation."""
        self.network.eval()
        random, count = step_generator(0, 0, self.compute.device), len(self.held_out)
        batch = self._cut(self.held_out, self._similarity(count, STILL, random, None))
        with torch.no_grad():
            terms, xy = self._terms(self.network, batch)
        size = self.architecture.input_size
        apart = float((xy - batch.xy).norm(dim=-1).mean()) * PICTURE_PX / size
        view = to_image(batch.images)
        picture = sheet([(view, each.cpu().numpy()) for each in (batch.xy, xy)])
        loss = float(sum(terms.values(), torch.zeros(())))
        return Observation(loss, picture, {"teacher_px": apart}, _warnings(apart))

    def _terms(self, network: LandmarkNetwork, batch: _Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The terms, and the landmarks (B, K, 2) in input pixels.

        cross_entropy: between the softmax of the heatmap and a Gaussian at the label. distance:
        smooth L1 of the softargmax, in heatmap pixels. Labels outside the frame are left out:
        nothing there is to be seen. The mean is over all, so that the shares of processes add up.
        """
        size, stride = self.architecture.heatmap_size, self.architecture.stride
        with self.compute.autocast():
            heatmaps = network(batch.images)
        logits = self.options.beta * heatmaps.float().flatten(2)
        grid = pixel_grid(size, size, logits)
        xy = torch.softmax(logits, -1) @ grid
        expected = input_to_heatmap(batch.xy, stride)
        inside = ((expected > -0.5) & (expected < size - 0.5)).all(-1)
        weights = batch.weights * inside
        distance2 = (expected[:, :, None] - grid).square().sum(-1)
        target = torch.softmax(-distance2 / (2 * self.options.sigma**2), -1)
        cross_entropy = -(target * F.log_softmax(logits, -1)).sum(-1)
        distance = F.smooth_l1_loss(xy, expected, reduction="none").sum(-1)
        terms = {"cross_entropy": cross_entropy, "distance": distance}
        found = heatmap_to_input(xy, stride)
        return {name: (term * weights).mean() for name, term in terms.items()}, found

    def _batch(self, step: int) -> _Batch:
        options = self.options
        rows = self.compute.rows(options.batch_size)
        picks = batch_indices(len(self.trained_on), options.batch_size, step, options.seed)
        index, random = (
            self.trained_on[picks],
            step_generator(step, options.seed, self.compute.device),
        )
        flip = None
        if self.partner is not None:
            flip = torch.rand(len(index), generator=random, device=random.device) < 0.5
        to_crop = self._similarity(len(index), self.ranges, random, flip)[rows]
        color = random_color(len(index), options.color, random)[rows]
        batch = self._cut(index[rows], to_crop, flip if flip is None else flip[rows])
        images = recolor(batch.images, color).contiguous(memory_format=self.compute.memory_format)
        return batch._replace(images=images)

    def _similarity(
        self, count: int, ranges: SimilarityRange, random: torch.Generator, flip: Tensor | None
    ) -> Tensor:
        sides = self.crops.shape[1], self.architecture.input_size
        return random_similarity(count, ranges, *sides, random, flip)

    def _cut(
        self, index: npt.NDArray[np.intp], to_crop: Tensor, flip: Tensor | None = None
    ) -> _Batch:
        """Resample crops, and move their labels; in mirrored ones landmarks swap."""
        device = self.compute.device
        images = warp(to_float(self.crops[index], device), to_crop, self.architecture.input_size)
        xy, weights = (each[index].to(device) for each in (self.xy_crop, self.weights))
        xy = apply_affine(invert_affine(to_crop), xy)
        if flip is not None and self.partner is not None:
            partner = self.partner.to(device)
            xy = torch.where(flip[:, None, None], xy[:, partner], xy)
            weights = torch.where(flip[:, None], weights[:, partner], weights)
        return _Batch(images, xy, weights)


def split(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices of the held-out crops, evenly spread, and of those to train on."""
    held_out = min(HELD_OUT, max(1, round(HELD_OUT_SHARE * count)))
    chosen = np.linspace(0, count - 1, held_out).round().astype(np.intp)
    return chosen, np.setdiff1d(np.arange(count), chosen)


def weights_of(spread: FloatArray) -> FloatArray:
    """Weights (N, K) of mean 1 that fall with the square of the labels' spread."""
    squares = np.square(spread)
    weights = 1 / (squares + np.median(squares) + 1e-6)
    return np.asarray(weights / weights.mean(), np.float32)


def _warnings(teacher_px: float) -> dict[str, str]:
    if teacher_px <= FAR_PX:
        return {}
    return {
        "teacher_px": f"the student is {teacher_px:.1f} px from its teacher on held-out pictures "
        f"of {PICTURE_PX} px: train longer with --steps, on more pictures, or with a larger --size"
    }
