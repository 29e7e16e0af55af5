from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from random_models import make_core

from lmk.data.synthetic import draw
from lmk.geometry import heatmap_to_input
from lmk.networks.hourglass import Hourglass
from lmk.networks.perceptual import CoreFeatures
from lmk.networks.softargmax import softargmax
from lmk.progress import Reporter
from lmk.training.adapt import AdaptLearner, AdaptOptions
from lmk.training.device import Compute
from lmk.training.loop import Schedule, train
from lmk.training.methods import start_detector

FP32 = Compute(torch.device("cpu"), bf16=False)


def learner(method: str, core: Hourglass, compute: Compute = FP32, **options) -> AdaptLearner:
    chosen = AdaptOptions(**{"steps": 2, "batch_size": 2, "num_landmarks": 5, **options})
    detector = start_detector(method, core, chosen.num_landmarks)
    crops = draw(4, seed=0)[0]
    return AdaptLearner(crops, detector, CoreFeatures(core), chosen, compute)


def changed(before: dict[str, torch.Tensor], network: Hourglass) -> set[str]:
    now = network.state_dict()
    return {name for name, value in before.items() if not torch.equal(value, now[name])}


def train_and_list_changes(method: str, tmp_path, core: Hourglass) -> tuple[set[str], set[str]]:
    """Names of tensors that two steps changed, and of those that they did not."""
    trained = learner(method, core)
    before = {name: value.clone() for name, value in trained.detector.state_dict().items()}
    train(trained, Schedule(2), tmp_path, {}, Reporter())
    different = changed(before, trained.detector)
    return different, before.keys() - different


def test_projection_leaves_the_core_bit_identical(tmp_path) -> None:
    core = make_core()
    original = {name: value.clone() for name, value in core.state_dict().items()}
    different, same = train_and_list_changes("projection", tmp_path, core)
    assert not changed(original, core)
    frozen = {n for n in original if n.endswith(("conv.weight", "conv.bias")) or ".conv" in n}
    assert frozen <= same
    assert "hourglass.inner.before.conv2.weight" in same
    assert "hourglass.inner.before.conv2.projection_delta" in different
    assert {"head.weight", "block1.bn2.weight", "block1.bn2.running_mean"} <= different


def test_last_layers_leave_everything_before_them(tmp_path) -> None:
    different, same = train_and_list_changes("last-layers", tmp_path, make_core())
    assert {name.split(".")[0] for name in different} == {"block4", "last_conv", "last_bn", "head"}
    assert "hourglass.after.bn1.running_mean" in same


def test_scratch_and_finetune_train_everything(tmp_path) -> None:
    for method in ("scratch", "finetune"):
        different, _ = train_and_list_changes(method, tmp_path / method, make_core())
        assert {"stem_conv.weight", "hourglass.inner.before.conv2.weight"} <= different


def test_the_pair_is_related_by_the_matrix_that_is_returned() -> None:
    """A bright dot drawn into a crop is found in both views where the matrices say."""
    trained = learner("scratch", make_core(), color=0.0)
    dotted = np.zeros_like(trained.crops)
    dotted[:, 70:73, 90:93] = 255
    trained.crops = dotted
    view, deformed, view_to_deformed = trained._pair(step=3)
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")

    def centroid(images: torch.Tensor) -> torch.Tensor:
        mass = images.mean(1)
        total = mass.sum((1, 2))
        return torch.stack([(mass * x).sum((1, 2)), (mass * y).sum((1, 2))], 1) / total[:, None]

    homogeneous = torch.cat([centroid(view), torch.ones(2, 1)], 1)
    expected = (view_to_deformed @ homogeneous[..., None])[..., 0]
    torch.testing.assert_close(centroid(deformed), expected, atol=0.3, rtol=0)
    assert (centroid(view) - centroid(deformed)).norm(dim=1).min() > 1


def test_total_is_the_weighted_sum_of_its_terms() -> None:
    weights = {"perceptual": 0.7, "equivariance": 0.3, "separation": 1.9}
    losses = learner("finetune", make_core(), **weights).losses(0)
    expected = losses["pixel"] + sum(w * losses[name] for name, w in weights.items())
    torch.testing.assert_close(losses["loss"], expected)
    assert all(losses[name] > 0 for name in weights)


def test_a_short_adaptation_makes_landmarks_follow_the_object(tmp_path) -> None:
    """After training, landmarks of the two views agree better than before."""
    core = make_core()
    trained = learner("finetune", core, steps=12, batch_size=4, rate_body=1e-3, rate_head=5e-3)
    held_out = learner("finetune", core, seed=9)

    def error() -> float:
        held_out.detector = trained.detector
        with torch.no_grad():
            return float(np.mean([held_out.losses(step)["equivariance"] for step in range(3)]))

    before = error()
    train(trained, Schedule(12), tmp_path, {}, Reporter())
    assert error() < before


def test_landmark_gradient_reaches_projections_through_the_reconstruction() -> None:
    trained = learner("projection", make_core(), equivariance=0.0, separation=0.0)
    trained.losses(0)["loss"].backward()
    gradient = trained.detector.block1.conv1.projection_delta.grad
    assert gradient is not None
    assert gradient.abs().max() > 0
    assert trained.detector.block1.conv1.weight.grad is None


def test_softargmax_of_an_untrained_head_lies_at_the_centre() -> None:
    """What `before adaptation` looks like: a fresh head is nearly flat."""
    network = start_detector("projection", make_core(), 5).eval()
    with torch.no_grad():
        xy = heatmap_to_input(softargmax(network(torch.rand(2, 3, 128, 128)), beta=0.01)[0])
    torch.testing.assert_close(xy, torch.full_like(xy, 63.5), atol=3, rtol=0)


def _computes_bf16() -> bool:
    from lmk.training.device import select_compute

    return select_compute("cpu", "auto").bf16


@pytest.mark.skipif(not _computes_bf16(), reason="this processor does not compute in bf16")
def test_bf16_step_takes_at_most_0_6_of_a_float32_step() -> None:
    core = make_core()

    def seconds(bf16: bool) -> float:
        trained = learner("projection", core, Compute(torch.device("cpu"), bf16), batch_size=16)
        times = []
        for step in range(3):
            began = time.perf_counter()
            trained.losses(step)["loss"].backward()
            times.append(time.perf_counter() - began)
        return min(times)

    assert seconds(bf16=True) <= 0.6 * seconds(bf16=False)
