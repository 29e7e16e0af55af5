from __future__ import annotations

import numpy as np
import pytest
import torch

from lmk.architectures.catalogue import find_architecture
from lmk.training.device import Compute
from lmk.training.distillation.labels import Labels
from lmk.training.distillation.learner import DistillLearner, split, weights_of
from lmk.training.loop import step
from lmk.training.options import DistillOptions

FP32 = Compute(torch.device("cpu"), bf16=False)


def make_learner(partner: list[int] | None = None, **options: object) -> DistillLearner:
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (12, 100, 100, 3), np.uint8)
    xy = random.uniform(-5, 105, (12, 3, 2)).astype(np.float32)  # some outside the crop
    spread = random.uniform(0.1, 3, (12, 3)).astype(np.float32)
    torch.manual_seed(0)
    student = find_architecture("student-tiny").make(3)
    chosen = DistillOptions(**{"steps": 4, "batch_size": 5, **options})
    return DistillLearner(crops, Labels(xy, spread, partner, 1.0), student, chosen, FP32)


def test_terms_against_a_slow_reference() -> None:
    learner = make_learner(beta=0.7, sigma=1.3, weight_by_spread=True)
    batch = learner._batch(0)
    learner.network.eval()
    with torch.no_grad():
        terms, xy = learner._terms(learner.network, batch)
        heatmaps = learner.network(batch.images).double().numpy()
    entropy, distance = [], []
    for image in range(5):
        for point in range(3):
            expected = (batch.xy[image, point].double().numpy() + 0.5) / 4 - 0.5
            exponent = 0.7 * heatmaps[image, point]
            share = np.exp(exponent - exponent.max())
            share /= share.sum()
            y, x = np.mgrid[:32, :32]
            found = np.array([(share * x).sum(), (share * y).sum()])
            np.testing.assert_allclose(xy[image, point], (found + 0.5) * 4 - 0.5, atol=1e-3)
            target = np.exp(-((x - expected[0]) ** 2 + (y - expected[1]) ** 2) / (2 * 1.3**2))
            inside = ((expected > -0.5) & (expected < 31.5)).all()
            weight = float(batch.weights[image, point]) * inside
            with np.errstate(invalid="ignore"):
                target = target / target.sum()
            off = np.abs(found - expected)
            smooth = np.where(off < 1, off**2 / 2, off - 0.5).sum()
            entropy.append(weight * -(target * np.log(share)).sum() if weight else 0.0)
            distance.append(weight * smooth)
    assert 0.0 in entropy  # a label outside the frame
    assert float(terms["cross_entropy"]) == pytest.approx(np.mean(entropy), rel=1e-4)
    assert float(terms["distance"]) == pytest.approx(np.mean(distance), rel=1e-4)


def test_labels_move_with_their_crops_and_swap_in_mirrored_ones() -> None:
    """A bright dot at a landmark is at its label in the view, or at its partner's if mirrored."""
    learner = make_learner(partner=[1, 0, 2], color=0.0, batch_size=8)
    places = np.array([[30.0, 40.0], [70.0, 44.0], [50.0, 70.0]], np.float32)
    crops = np.zeros((12, 100, 100, 3), np.uint8)
    for channel, (x, y) in enumerate(places.astype(int)):
        crops[:, y - 2 : y + 3, x - 2 : x + 3, channel] = 255
    learner.crops, learner.xy_crop = crops, torch.from_numpy(np.tile(places, (12, 1, 1)))
    batch = learner._batch(1)
    y, x = np.mgrid[:128, :128]
    mirrored = 0
    for image, xy in zip(batch.images.numpy(), batch.xy.numpy(), strict=True):
        found = np.stack([[(c * x).sum(), (c * y).sum()] / c.sum() for c in image])
        colours = [0, 1, 2]
        if np.linalg.norm(found[0] - xy[0]) > 3:
            colours, mirrored = [1, 0, 2], mirrored + 1
        np.testing.assert_allclose(found[colours], xy, atol=0.5)
    assert 0 < mirrored < 8


def test_held_out_crops_are_not_trained_on() -> None:
    held_out, others = split(1000)
    assert len(held_out) == 100
    assert not set(held_out) & set(others)
    assert len(others) == 900
    assert len(split(10_000)[0]) == 256
    assert np.diff(held_out).max() < 12  # over the whole set


def test_weights_fall_with_the_square_of_the_spread() -> None:
    weights = weights_of(np.array([[1.0, 2.0, 3.0]]))
    # 1 / (1 + 4), 1 / (4 + 4), 1 / (9 + 4), of mean 1
    np.testing.assert_allclose(weights / weights[0, 0], [[1, 5 / 8, 5 / 13]], rtol=1e-5)
    assert weights.mean() == pytest.approx(1)


def test_a_step_depends_on_its_number_alone() -> None:
    first, second = (make_learner(partner=[1, 0, 2]) for _ in range(2))
    step(first, 0)
    second.losses(3)
    assert step(first, 1)["loss"] != step(second, 0)["loss"]
    torch.testing.assert_close(first._batch(2), second._batch(2), rtol=0, atol=0)


def test_training_brings_the_student_to_its_teacher() -> None:
    learner = make_learner(learning_rate=1e-2, degrees=0, zoom=0, shift=0, color=0)
    before = learner.observe()
    for number in range(20):
        step(learner, number)
    after = learner.losses(0)["loss"]
    assert after < make_learner(degrees=0, zoom=0, shift=0, color=0).losses(0)["loss"]
    assert before.figures["teacher_px"] > 3
    assert "from its teacher" in before.warnings["teacher_px"]
    assert before.picture.dtype == np.uint8
