from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from random_models import make_core

from lmk.architectures.hourglass.network import Hourglass
from lmk.data.synthetic import draw
from lmk.networks.perceptual import CoreFeatures
from lmk.training.adaptation import mirror
from lmk.training.adaptation.learner import AdaptLearner
from lmk.training.adaptation.methods import start_network
from lmk.training.adaptation.terms import GEOMETRIC, RECONSTRUCTION, Term, measure
from lmk.training.checkpoint import Progress, resume_from, save_checkpoint
from lmk.training.device import Compute
from lmk.training.loop import Schedule, step
from lmk.training.options import AdaptOptions
from lmk.training.samples import to_image

FP32 = Compute(torch.device("cpu"), bf16=False)


def learner(method: str, core: Hourglass, compute: Compute = FP32, **options) -> AdaptLearner:
    chosen = AdaptOptions(method, **{"steps": 2, "batch_size": 2, "keypoints": 5, **options})
    network = start_network(method, core, chosen.keypoints, chosen.projections)
    crops = draw(4, seed=0)[0]
    return AdaptLearner(crops, network, CoreFeatures(core), chosen, compute)


def changed(before: dict[str, torch.Tensor], network: Hourglass) -> set[str]:
    now = network.state_dict()
    return {name for name, value in before.items() if not torch.equal(value, now[name])}


def train_and_list_changes(method: str, core: Hourglass) -> tuple[set[str], set[str]]:
    """Names of tensors that two steps changed, and of those that they did not."""
    trained = learner(method, core)
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    for number in range(2):
        step(trained, number)
    different = changed(before, trained.network)
    return different, before.keys() - different


def test_projection_leaves_the_core_bit_identical() -> None:
    core = make_core()
    original = {name: value.clone() for name, value in core.state_dict().items()}
    different, same = train_and_list_changes("projection", core)
    assert not changed(original, core)
    frozen = {n for n in original if n.endswith(("conv.weight", "conv.bias")) or ".conv" in n}
    assert frozen <= same
    assert "hourglass.inner.before.conv2.weight" in same
    assert "hourglass.inner.before.conv2.projection_delta" in different
    assert {"head.weight", "block1.bn2.weight", "block1.bn2.running_mean"} <= different


def test_last_layers_leave_everything_before_them() -> None:
    different, same = train_and_list_changes("last-layers", make_core())
    assert {name.split(".")[0] for name in different} == {"block4", "last_conv", "last_bn", "head"}
    assert "hourglass.after.bn1.running_mean" in same


def test_scratch_and_finetune_train_everything() -> None:
    for method in ("scratch", "finetune"):
        different, _ = train_and_list_changes(method, make_core())
        assert {"stem_conv.weight", "hourglass.inner.before.conv2.weight"} <= different


def test_the_pair_is_related_by_the_matrix_that_is_returned() -> None:
    """A bright dot drawn into a crop is found in both views where the matrices say."""
    trained = learner("scratch", make_core(), color=0.0)
    dotted = np.zeros_like(trained.views.crops)
    dotted[:, 70:73, 90:93] = 255
    trained.views.crops = dotted
    pair = trained.views.pair(step=3)
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")

    def centroid(images: torch.Tensor) -> torch.Tensor:
        mass = images.mean(1)
        total = mass.sum((1, 2))
        return torch.stack([(mass * x).sum((1, 2)), (mass * y).sum((1, 2))], 1) / total[:, None]

    homogeneous = torch.cat([centroid(pair.view), torch.ones(2, 1)], 1)
    expected = (pair.view_to_deformed @ homogeneous[..., None])[..., 0]
    torch.testing.assert_close(centroid(pair.deformed), expected, atol=0.3, rtol=0)
    assert (centroid(pair.view) - centroid(pair.deformed)).norm(dim=1).min() > 1


def test_without_equivariance_the_network_does_not_see_the_deformed_views() -> None:
    """As in the paper; with it, batch norms take in both."""
    seen = []
    for weight in (0.0, 1.0):
        trained = learner("projection", make_core(), equivariance=weight)
        trained.network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        step(trained, 0)
        trained.observe()
    assert seen == [2, 4, 4, 4]


def test_total_is_the_weighted_sum_of_its_terms() -> None:
    weights = {"reconstruction": 2.0, "perceptual_factor": 0.7, "equivariance": 0.3}
    trained = learner(
        "finetune", make_core(), separation=1.9, steps=8, geometric_fade=0.5, **weights
    )
    for number, geometric in ((0, 1.0), (4, 1.0), (6, 0.5), (7, 0.25)):
        terms = trained.losses(number)
        expected = 2.0 * (terms["pixel"] + 0.7 * terms["perceptual"]) + geometric * (
            0.3 * terms["equivariance"] + 1.9 * terms["separation"]
        )
        torch.testing.assert_close(terms["loss"], expected)
        assert all(terms[name] > 0 for name in RECONSTRUCTION | GEOMETRIC)


def test_a_new_term_is_one_line_of_the_table(monkeypatch) -> None:
    plain = learner("projection", make_core(), generator_width=4).losses(0)
    far = Term(lambda options: 0.25 * options.keypoints, lambda out, _: out.xy_deformed.mean())
    monkeypatch.setitem(GEOMETRIC, "far", far)
    terms = learner("projection", make_core(), generator_width=4).losses(0)
    assert terms.keys() - plain.keys() == {"far"}
    torch.testing.assert_close(terms["loss"], plain["loss"] + 1.25 * terms["far"])


def test_one_landmark_has_nothing_to_keep_apart_from() -> None:
    trained = learner("projection", make_core(), keypoints=1)
    terms = trained.losses(0)
    assert terms["separation"] == 0
    assert terms["loss"].isfinite()
    assert "nearest_px" not in trained.observe().figures


def test_reconstruction_begins_after_its_share_of_the_steps() -> None:
    trained = learner("projection", make_core(), steps=10, reconstruction_from=0.3)
    assert trained.losses(2)["pixel"] == trained.losses(2)["perceptual"] == 0
    assert trained.losses(3)["pixel"] > 0


def test_without_reconstruction_there_is_no_generator() -> None:
    trained = learner("projection", make_core(), reconstruction=0.0)
    assert set(trained.modules) == {"network"}
    assert len(trained.optimizer.param_groups) == 2
    step(trained, 0)
    assert trained.observe().picture.shape == (3 * 256, 2 * 256, 3)


def test_decay_pulls_projections_to_the_core_or_to_zero() -> None:
    """Without any loss Adam's first step is one rate long against the sign of what it decays."""

    def after_one_step(towards: str) -> torch.Tensor:
        trained = learner(
            "projection", make_core(), rate_body=0.01, weight_decay=0.5, weight_decay_to=towards
        )
        delta = trained.network.block1.conv1.projection_delta
        with torch.no_grad():
            delta.fill_(0.2).fill_diagonal_(-0.3)
        for parameter in trained.network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        trained.optimizer.step()
        return delta.detach()

    to_core, to_zero = after_one_step("core"), after_one_step("zero")
    # I + delta is 0.7 on the diagonal: towards 1 it grows, towards 0 it shrinks
    torch.testing.assert_close(to_core.diagonal(), torch.full((64,), -0.29))
    torch.testing.assert_close(to_zero.diagonal(), torch.full((64,), -0.31))
    torch.testing.assert_close(to_core[0, 1:], torch.full((63,), 0.19))
    torch.testing.assert_close(to_zero[0, 1:], torch.full((63,), 0.19))


def test_an_observation_changes_nothing_and_always_has_the_same_pictures() -> None:
    trained = learner("finetune", make_core())
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    first, second = trained.observe(), trained.observe()
    assert not changed(before, trained.network)
    assert first.loss == second.loss
    assert np.array_equal(first.picture, second.picture)
    assert first.picture.shape == (4 * 256, 2 * 256, 3)
    view, reconstruction = first.picture[:256], first.picture[512:768]
    views = np.hstack(to_image(trained.views.fixed().view))
    reduced = cv2.resize(view, (256, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(float) - views).mean() < 2
    assert not np.array_equal(view, reconstruction)
    assert set(first.figures) == {"stillness", "border_share", "nearest_px"}


def test_a_short_adaptation_makes_landmarks_follow_the_object() -> None:
    """After training, landmarks of the two views agree better than before."""
    core = make_core()
    trained = learner("finetune", core, steps=12, batch_size=4, rate_body=3e-4, rate_head=5e-3)
    held_out = learner("finetune", core, seed=9)

    def error() -> float:
        with torch.no_grad():
            outputs = [trained.forward(held_out.views.pair(n), False) for n in range(3)]
            terms = [measure(each, trained.options) for each in outputs]
        return float(np.mean([term["equivariance"] for term in terms]))

    before = error()
    schedule = Schedule(12)  # as in a training: at full rates the last steps are noisy
    for number in range(12):
        step(trained, number, schedule.rate(number))
    assert error() < before


def test_landmark_gradient_reaches_projections_through_the_reconstruction() -> None:
    trained = learner("projection", make_core(), equivariance=0.0, separation=0.0)
    trained.losses(0)["loss"].backward()
    gradient = trained.network.block1.conv1.projection_delta.grad
    assert gradient is not None
    assert gradient.abs().max() > 0
    assert trained.network.block1.conv1.weight.grad is None


EVERYTHING = {
    "mirror": True,
    "mirror_from": 0.5,
    "warp": 0.03,
    "occlusion": 0.5,
    "blur": 0.3,
    "generator_width": 4,
    "steps": 4,
}


def test_partners_are_searched_once_after_their_share_of_the_steps(monkeypatch) -> None:
    monkeypatch.setattr(mirror, "LIMIT_PX", 1e3)
    trained = learner("projection", make_core(), **EVERYTHING)
    known = []
    for number in range(4):
        step(trained, number)
        known.append(trained.mirrored)
    assert known[:2] == [None, None]
    assert known[2] == known[3]
    assert [known[2][known[2][i]] for i in range(5)] == list(range(5))
    assert trained.observe().figures["mirror_px"] > 0


def test_where_no_partners_fit_views_are_as_before_and_an_observation_warns(monkeypatch) -> None:
    monkeypatch.setattr(mirror, "LIMIT_PX", 0.0)
    trained = learner("projection", make_core(), **{**EVERYTHING, "mirror_from": 0.0})
    plain = learner("projection", make_core(), **{**EVERYTHING, "mirror": False})
    assert step(trained, 0) == step(plain, 0)
    assert trained.mirrored is None
    assert "--mirror is off" in trained.observe().warnings["mirror_px"]
    assert "mirror_px" not in plain.observe().figures


def test_a_mirrored_landmark_is_drawn_to_where_its_partner_went() -> None:
    """By hand: landmarks of the views are expected at the traded, mirrored points."""
    trained = learner("projection", make_core(), keypoints=3, mirror=True, reconstruction=0.0)
    pair = trained.views.pair(0)
    mirrored = replace(
        pair,
        view_to_deformed=torch.tensor([[[-1.0, 0.0, 127.0], [0.0, 1.0, 0.0]]]).expand(2, 2, 3),
        partner=torch.tensor([[1, 0, 2]] * 2),
    )
    outputs = trained.forward(mirrored)
    terms, xy, xy_deformed = measure(outputs, trained.options), outputs.xy, outputs.xy_deformed
    expected = xy[:, [1, 0, 2]] * torch.tensor([-1.0, 1.0]) + torch.tensor([31.0, 0.0])
    wrong = (xy_deformed - expected).abs()
    smooth_l1 = torch.where(wrong < 1, wrong.square() / 2, wrong - 0.5).sum(-1)
    inside = ((expected > -0.5) & (expected < 31.5)).all(-1)
    torch.testing.assert_close(terms["equivariance"], (smooth_l1 * inside).mean())


@pytest.mark.parametrize("cut", [2, 3])
def test_a_run_resumed_before_or_after_the_search_repeats_the_losses_exactly(
    cut: int, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(mirror, "LIMIT_PX", 1e3)
    whole = learner("projection", make_core(), **EVERYTHING)
    losses = [step(whole, number) for number in range(4)]
    first = learner("projection", make_core(), **EVERYTHING)
    again = [step(first, number) for number in range(cut)]
    save_checkpoint(first, tmp_path, Progress(cut), {"task": "train"}, "cpu")
    second = learner("projection", make_core(), **EVERYTHING)
    resume_from(second, tmp_path, {"task": "train"})
    assert second.mirrored == first.mirrored
    again += [step(second, number) for number in range(cut, 4)]
    assert again == losses
    assert second.mirrored == whole.mirrored is not None
    assert not changed(whole.network.state_dict(), second.network)


def test_everything_together_learns_and_does_not_collapse(monkeypatch) -> None:
    monkeypatch.setattr(mirror, "LIMIT_PX", 1e3)
    trained = learner(
        "finetune", make_core(), **{**EVERYTHING, "steps": 8, "noise": 0.05, "batch_size": 4}
    )
    losses = [float(step(trained, number)["loss"]) for number in range(8)]
    assert np.isfinite(losses).all()
    assert min(losses[4:]) < losses[0]
    assert trained.observe().figures["nearest_px"] > 1


def _computes_bf16() -> bool:
    from lmk.training.device import select_compute

    return select_compute("cpu", "auto").bf16


@pytest.mark.skipif(not _computes_bf16(), reason="this processor does not compute in bf16")
def test_bf16_step_takes_at_most_0_6_of_a_float32_step() -> None:
    core = make_core()

    def seconds(bf16: bool) -> float:
        trained = learner("projection", core, Compute(torch.device("cpu"), bf16), batch_size=16)
        times = []
        for number in range(3):
            began = time.perf_counter()
            trained.losses(number)["loss"].backward()
            times.append(time.perf_counter() - began)
        return min(times)

    assert seconds(bf16=True) <= 0.6 * seconds(bf16=False)
