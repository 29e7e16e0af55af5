"""What a core is shown and told: crops of 90 px with a dot at each annotated point."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from random_models import randomize
from torch.nn import functional as F

from lmk.architectures.hourglass.spec import ARCHITECTURE
from lmk.data.coco import KeypointSet
from lmk.training.device import Compute
from lmk.training.options import PretrainOptions
from lmk.training.pretraining.learner import PretrainLearner

FP32 = Compute(torch.device("cpu"), bf16=False)
SIDE = 90
NAMES = ["left_x", "nose", "right_x"]  # whose dots are red, green and blue
MIRRORED = [2, 1, 0]


def dots(count: int, seed: int) -> KeypointSet:
    """A dot of 5 x 5 pixels a joint, half as bright where the joint is not labelled.

    Left, nose and right turn clockwise round the picture's centre, and the other way in a mirror.
    """
    random = np.random.default_rng(seed)
    angles = np.array([0.2, 1.6, 4.1]) + random.uniform(-0.4, 0.4, (count, 3))
    reach = random.uniform(10, 22, (count, 3, 1))
    offset = reach * np.stack([np.cos(angles), np.sin(angles)], -1)
    xy = (SIDE // 2 + offset).round().astype(int)
    labelled = random.random((count, 3)) < 0.6
    crops = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    for crop, points, known in zip(crops, xy, labelled, strict=True):
        for joint, (x, y) in enumerate(points):
            crop[y - 2 : y + 3, x - 2 : x + 3, joint] = 255 if known[joint] else 127
    return KeypointSet(crops, xy.astype(np.float32), labelled, NAMES)


class SmallDetector(torch.nn.Module):
    """An hourglass to its learner: one heatmap per joint out, at a quarter of the side."""

    architecture = ARCHITECTURE

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = torch.nn.Conv2d(3, 8, 7, stride=4, padding=3)
        self.bn = torch.nn.BatchNorm2d(8)
        self.head = torch.nn.Conv2d(8, len(NAMES), 1)
        randomize(self, 0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(F.relu(self.bn(self.stem(images))))


def learner(
    data: KeypointSet,
    compute: Compute = FP32,
    color: float = 0.0,
    held_out: KeypointSet | None = None,
) -> PretrainLearner:
    options = PretrainOptions(batch_size=4, color=color)
    return PretrainLearner(data, options, compute, held_out, start=SmallDetector())


def centroids(images: torch.Tensor) -> torch.Tensor:
    """The (x, y) of each channel's dot, (B, 3, 2)."""
    y, x = torch.meshgrid(*(torch.arange(float(side)) for side in images.shape[2:]), indexing="ij")
    mass = images.sum((2, 3))
    return torch.stack([(images * x).sum((2, 3)), (images * y).sum((2, 3))], -1) / mass[..., None]


def turns_clockwise(xy: torch.Tensor) -> torch.Tensor:
    (ax, ay), (bx, by) = ((xy[:, joint] - xy[:, 0]).unbind(-1) for joint in (1, 2))
    return ax * by - ay * bx > 0


def loss_by_hand(heatmaps: torch.Tensor, xy_input, labelled, share: float) -> float:
    """Pixel by pixel: squared distances to exp(-d^2 / 4) of the labelled joints."""
    total = 0.0
    for row, joint in np.argwhere(np.asarray(labelled)):
        x0, y0 = ((float(value) + 0.5) / 4 - 0.5 for value in xy_input[row, joint])
        for y, line in enumerate(heatmaps[row, joint].tolist()):
            for x, value in enumerate(line):
                total += (value - math.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 4)) ** 2
    return total / (len(heatmaps) * len(NAMES)) / share


def test_targets_lie_on_the_dots_of_their_names_in_mirrored_pictures_too() -> None:
    trained = learner(dots(9, seed=1))
    seen = set()
    for step in range(3):
        images, xy_input, labelled = trained._batch(step)
        found, brightest = centroids(images), images.amax((2, 3))
        for row, clockwise in enumerate(turns_clockwise(found)):
            # In a mirrored picture what was the left is now named the right.
            joints = [0, 1, 2] if clockwise else MIRRORED
            torch.testing.assert_close(xy_input[row], found[row, joints], atol=0.1, rtol=0)
            assert torch.equal(labelled[row], brightest[row, joints] > 0.6)
            swaps = labelled[row, 0] != labelled[row, 2]
            seen.add((bool(clockwise), bool(swaps)))
    assert {(True, True), (False, True)} <= seen


def test_pictures_are_turned_zoomed_and_shifted_in_the_ranges_of_the_options() -> None:
    """A similarity moves the three dots: its matrix, by least squares, from crop to input."""
    data = dots(1, seed=2)
    trained = learner(data)
    crop = torch.from_numpy(data.xy_crop[0]).double()
    centred = torch.cat([crop - (SIDE - 1) / 2, torch.ones(3, 1)], 1)
    degrees, zooms, shifts = [], [], []
    for step in range(8):
        for found in centroids(trained._batch(step)[0]).double():
            matrix = torch.linalg.lstsq(centred, found - 63.5).solution.T
            linear = matrix[:, :2] * SIDE / 128
            zoom = linear.det().abs().sqrt()
            upright = linear @ torch.diag(torch.tensor([linear.det().sign(), 1.0]).double())
            degrees.append(math.degrees(math.atan2(upright[1, 0], upright[0, 0])))
            zooms.append(float(zoom))
            shifts.append((-torch.linalg.solve(linear, matrix[:, 2]) / 128).abs().max().item())
    assert 20 < np.abs(degrees).max() < 30.5
    assert min(degrees) < 0 < max(degrees)
    assert 1 / 1.26 < min(zooms) < 0.9
    assert 1.1 < max(zooms) < 1.26
    assert 0.03 < max(shifts) < 0.062


def test_loss_is_that_of_a_slow_loop_over_labelled_joints() -> None:
    data = dots(5, seed=3)
    trained = learner(data)
    images, xy_input, labelled = trained._batch(7)
    assert labelled.float().mean() != data.labelled.mean(), "the set's share counts"
    reference = copy.deepcopy(trained.network).train()
    with torch.no_grad():
        heatmaps = reference(images)
    expected = loss_by_hand(heatmaps, xy_input, labelled, data.labelled.mean())
    assert trained.losses(7)["loss"].item() == pytest.approx(expected, rel=1e-4)


def test_unlabelled_joints_carry_no_loss_and_no_gradient() -> None:
    data = dots(5, seed=4)
    data.labelled[:, 1] = False

    def loss_and_gradient(of: KeypointSet) -> tuple[float, torch.Tensor]:
        trained = learner(of)
        loss = trained.losses(0)["loss"]
        loss.backward()
        return loss.item(), trained.network.head.weight.grad[:, :, 0, 0]

    elsewhere = np.where(data.labelled[..., None], data.xy_crop, 7)
    loss, gradient = loss_and_gradient(data)
    same, _ = loss_and_gradient(replace(data, xy_crop=elsewhere))
    other, _ = loss_and_gradient(replace(data, xy_crop=data.xy_crop + np.float32(7)))
    assert same == loss
    assert other != pytest.approx(loss, rel=1e-3)
    assert gradient[1].eq(0).all()
    assert gradient[[0, 2]].abs().amax(1).min() > 0


def test_processes_share_the_batch_of_one() -> None:
    data = dots(6, seed=5)

    def share(rank: int) -> tuple[torch.Tensor, ...]:
        fabric = SimpleNamespace(
            world_size=2, global_rank=rank, setup_module=lambda module, **_: module
        )
        return learner(data, replace(FP32, fabric=fabric), 0.2)._batch(3)

    whole = learner(data, color=0.2)._batch(3)
    for together, first, second in zip(whole, share(0), share(1), strict=True):
        assert len(first) == len(second) == 2
        torch.testing.assert_close(together, torch.cat([first, second]))


def test_a_look_is_at_whole_crops_held_out_and_changes_nothing() -> None:
    data, other = dots(5, seed=6), dots(4, seed=7)
    trained = learner(data, held_out=other)
    before = copy.deepcopy(trained.network)
    observed = trained.observe()

    images = torch.from_numpy(other.crops).permute(0, 3, 1, 2) / 255
    resized = F.interpolate(images, (128, 128), mode="bilinear", align_corners=False)
    with torch.no_grad():
        heatmaps = before.eval()(resized)
    xy_input = (other.xy_crop + 0.5) * 128 / SIDE - 0.5
    expected = loss_by_hand(heatmaps, xy_input, other.labelled, data.labelled.mean())
    assert observed.loss == pytest.approx(expected, rel=1e-4)
    assert observed.picture.shape == (2 * 256, 4 * 256, 3)
    for name, value in before.state_dict().items():
        assert torch.equal(value, trained.network.state_dict()[name]), name
