"""Supervised training of a core: heatmap regression on annotated keypoints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmk.architectures.catalogue import find_architecture
from lmk.architectures.network import LandmarkNetwork
from lmk.data.batch import batch_indices, random_color, recolor, step_generator, to_float
from lmk.data.coco import KeypointSet
from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.geometry import apply_affine, heatmap_to_input, input_to_heatmap, invert_affine
from lmk.networks.softargmax import gaussian_heatmaps, softargmax
from lmk.training.device import Compute
from lmk.training.learner import EVALUATION_SEED, Observation
from lmk.training.options import PretrainOptions
from lmk.training.samples import sheet, to_image

# exp(-d^2 / 4), far wider than the bottleneck's peak: with a narrow one almost all of a target is
# zero, and predicting zero everywhere is a plateau that takes long to leave.
TARGET_SIGMA = 2.0
CORE_BETA = 80.0  # regressed heatmaps peak well below 1, where a small beta pulls to the centre


class PretrainLearner:
    """A network that regresses one Gaussian per joint; unlabelled joints have no loss.

    held_out: crops for the evaluation batch; by default some of the training crops. start: the
    network to start from, with as many joints; by default random weights.
    """

    def __init__(
        self,
        data: KeypointSet,
        options: PretrainOptions,
        compute: Compute,
        held_out: KeypointSet | None = None,
        start: LandmarkNetwork | None = None,
    ) -> None:
        torch.manual_seed(options.seed)
        self.options, self.compute, self.data = options, compute, data
        self.held_out = held_out or data
        self.network = start or find_architecture(options.architecture).make(len(data.names))
        self.architecture = self.network.architecture
        if start is None:
            nn.init.zeros_(self.network.head.weight)  # empty heatmaps are near their targets
        self._placed = compute.place(self.network)
        self.modules = {"network": self.network}
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )
        self.mirrored = torch.tensor(data.mirrored_order(), device=compute.device)
        # Of the set, not of the batch, so that the shares of several processes add up.
        self.labelled_share = max(float(data.labelled.mean()), 1e-6)
        self.ranges = SimilarityRange(options.degrees, options.zoom, options.shift)

    @property
    def batch_size(self) -> int:
        """Pictures per step."""
        return self.options.batch_size

    def losses(self, step: int) -> dict[str, Tensor]:
        """Masked mean squared error of one augmented batch."""
        self.network.train()
        images, xy_input, labelled = self._batch(step)
        return {"loss": self._loss(images, xy_input, labelled)[0]}

    def observe(self) -> Observation:
        """Evaluate on the evaluation batch: always the same crops, without augmentation."""
        self.network.eval()
        data, device = self.held_out, self.compute.device
        index = batch_indices(len(data.crops), self.options.batch_size, 0, EVALUATION_SEED)
        still = SimilarityRange(0, 0, 0)
        random = step_generator(0, EVALUATION_SEED, device)
        crop_size, input_size = data.crops.shape[1], self.architecture.input_size
        to_crop = random_similarity(len(index), still, crop_size, input_size, random)
        images, xy_input, labelled = self._cut(data, index, to_crop)
        with torch.no_grad():
            loss, heatmaps = self._loss(images, xy_input, labelled)
        xy_heatmap = softargmax(heatmaps, CORE_BETA)[0]
        found = heatmap_to_input(xy_heatmap, self.architecture.stride).cpu().numpy()
        annotated = np.where(data.labelled[index][..., None], xy_input.cpu().numpy(), -1e3)
        view = to_image(images)
        picture = sheet([(view, annotated), (view, found)])
        return Observation(float(loss), picture)

    def _loss(self, images: Tensor, xy_input: Tensor, labelled: Tensor) -> tuple[Tensor, Tensor]:
        size, stride = self.architecture.heatmap_size, self.architecture.stride
        xy_heatmap = input_to_heatmap(xy_input, stride)
        target = gaussian_heatmaps(xy_heatmap, (size, size), TARGET_SIGMA)
        # Only one process evaluates, not together with the others.
        detect = self._placed if self.network.training else self.network
        with self.compute.autocast():
            heatmaps = detect(images)
        error = (heatmaps.float() - target).square().sum((2, 3))
        return (error * labelled).mean() / self.labelled_share, heatmaps

    def _batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        options, device = self.options, self.compute.device
        rows = self.compute.rows(options.batch_size)
        index = batch_indices(len(self.data.crops), options.batch_size, step, options.seed)
        random = step_generator(step, options.seed, device)
        flip = torch.rand(len(index), generator=random, device=device) < 0.5
        sizes = self.data.crops.shape[1], self.architecture.input_size
        to_crop = random_similarity(len(index), self.ranges, *sizes, random, flip)[rows]
        color = random_color(len(index), options.color, random)[rows]
        index, flip = index[rows], flip[rows]
        images, xy, labelled = self._cut(self.data, index, to_crop)
        images = recolor(images, color).contiguous(memory_format=self.compute.memory_format)
        xy = torch.where(flip[:, None, None], xy[:, self.mirrored], xy)
        labelled = torch.where(flip[:, None], labelled[:, self.mirrored], labelled)
        return images, xy, labelled

    def _cut(
        self, data: KeypointSet, index: npt.NDArray[np.intp], to_crop: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures of these rows, their points in input pixels, and which are labelled."""
        device = self.compute.device
        images = warp(to_float(data.crops[index], device), to_crop, self.architecture.input_size)
        xy_input = apply_affine(
            invert_affine(to_crop), torch.from_numpy(data.xy_crop[index]).to(device)
        )
        return images, xy_input, torch.from_numpy(data.labelled[index]).to(device)
