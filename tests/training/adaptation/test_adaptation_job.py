from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lmk.data.packed import content_sha256
from lmk.data.source import UnlabelledSet
from lmk.data.synthetic import draw
from lmk.model.framing import Framing
from lmk.networks.load import load_network
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter
from lmk.training.adaptation import job, mirror
from lmk.training.adaptation.job import adapt
from lmk.training.adaptation.methods import start_network
from lmk.training.adaptation.plan import make_plan
from lmk.training.device import Compute
from lmk.training.loop import Run
from lmk.training.options import AdaptOptions

CPU = Compute(torch.device("cpu"), bf16=False)
OPTIONS = AdaptOptions(steps=1, batch_size=2, keypoints=6)


def foxes(count: int) -> UnlabelledSet:
    crops = draw(count, seed=0)[0]
    return UnlabelledSet(crops, content_sha256(crops))


def run(folder: Path, resume: bool = False) -> Run:
    return Run(folder, CPU, Reporter(), resume=resume)


@pytest.mark.parametrize(
    ("method", "kind"), [("projection", "adapter"), ("finetune", "network"), ("scratch", "network")]
)
def test_a_run_folder_is_a_model(method: str, kind: str, core_model, tmp_path: Path) -> None:
    options = replace(OPTIONS, method=method)
    model = adapt(foxes(4), core_model, options, run(tmp_path / "run"))
    assert model.manifest.kind == kind
    assert model.manifest.num_landmarks == 6
    assert model.manifest.softargmax_beta == OPTIONS.beta
    assert model.manifest.training["steps"] == 1
    assert model.manifest.training["settings"]["method"] == method
    images = torch.rand(2, 3, 128, 128)
    with torch.no_grad():
        folded, apart = (load_network(model, folded=f)[0](images) for f in (True, False))
    assert folded.shape == (2, 6, 32, 32)
    torch.testing.assert_close(folded, apart, rtol=1e-4, atol=1e-5 * float(apart.abs().max()))


def test_a_core_is_asked_for_where_one_is_needed(tmp_path: Path) -> None:
    for method in ("projection", "scratch"):
        with pytest.raises(UsageError, match="needs a core"):
            adapt(foxes(2), None, replace(OPTIONS, method=method), run(tmp_path))
    assert not list(tmp_path.iterdir())


def test_without_reconstruction_nothing_is_loaded_to_compare_pictures_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """VGG-19 need not be on the machine, and --method scratch needs no core."""
    monkeypatch.setattr(job, "vgg19_features", lambda *_: pytest.fail("loads VGG-19"))
    for perceptual in ("vgg19", "core"):
        options = replace(OPTIONS, method="scratch", reconstruction=0, perceptual=perceptual)
        learner = job.make_learner(foxes(2), None, options, CPU)
    assert "generator  none" in make_plan(learner)


def test_finetune_after_projection_goes_on_from_an_adapted_run(core_model, adapter_model) -> None:
    options = replace(OPTIONS, method="finetune-after-projection", keypoints=14)
    with pytest.raises(UsageError, match="starts from an adapted run or a student"):
        job.make_learner(foxes(2), core_model, options, CPU)
    job.make_learner(foxes(2), adapter_model, replace(options, keypoints=7), CPU)


def test_a_student_learns_on_without_its_teacher(student_model) -> None:
    options = replace(
        OPTIONS, method="finetune-after-projection", keypoints=7, reconstruction=0, batch_size=2
    )
    record = {"settings": {"task": "distill"}}
    manifest = replace(student_model.manifest, training=record, softargmax_beta=1.5)
    learner = job.make_learner(foxes(2), replace(student_model, manifest=manifest), options, CPU)
    known = load_network(student_model)[0].state_dict()
    for name, value in learner.network.state_dict().items():
        torch.testing.assert_close(value, known[name], rtol=0, atol=0)
    assert learner.losses(0)["equivariance"].requires_grad
    assert (learner.options.beta, options.beta) == (1.5, 10)


def test_landmarks_that_are_kept_keep_their_partners_their_detector_and_their_teachers(
    student_model, tmp_path: Path
) -> None:
    framing = Framing(((1, 2),) * 7, 1, 0.5, "cascade:cat", (0, 0, 1, 0.5))
    teachers = [{"name": "cats", "sha256": "c" * 64}]
    record = {"settings": {"task": "distill"}, "teachers": teachers}
    partners = [1, 0, 2, 3, 4, 5, 6]
    known = replace(student_model.manifest, training=record, framing=framing, mirrored=partners)
    core = replace(student_model, manifest=known)
    options = AdaptOptions(
        method="finetune-after-projection", steps=1, batch_size=2, keypoints=7, reconstruction=0
    )
    found = adapt(foxes(4), core, options, run(tmp_path / "run")).manifest
    assert found.mirrored == partners
    assert found.training["teachers"] == teachers
    assert found.softargmax_beta == known.softargmax_beta
    assert (found.framing.finder, found.framing.finder_box) == ("cascade:cat", (0, 0, 1, 0.5))
    assert found.framing.landmarks_input != framing.landmarks_input
    assert found.framing.find_scores
    assert 0 < found.framing.find_scores[0] < 1


def test_an_adapter_is_no_core_for_projections(adapter_model) -> None:
    """Its core's hash is all that a second adapter could name, and would not be what it learnt."""
    options = replace(OPTIONS, method="projection")
    with pytest.raises(UsageError, match="projection needs a complete network as core"):
        job.make_learner(foxes(2), adapter_model, options, CPU)
    job.make_learner(foxes(2), adapter_model, replace(options, method="finetune"), CPU)


def test_the_layers_that_pictures_are_compared_by_are_named(core_model) -> None:
    layers = job.make_learner(foxes(2), core_model, OPTIONS, CPU).options.perceptual_layers
    assert layers == "stem,block3"


def test_finetune_after_projection_keeps_the_number_of_landmarks(core_model) -> None:
    core = load_network(core_model)[0]
    network = start_network("finetune-after-projection", core, 14)
    assert network is not core
    assert torch.equal(network.head.weight, core.head.weight)
    with pytest.raises(UsageError, match="--keypoints 14"):
        start_network("finetune-after-projection", core, 10)


def test_pictures_left_out_are_listed_and_the_framing_is_measured(
    core_model, tmp_path: Path
) -> None:
    data = replace(foxes(6), skipped=["a.jpg is cut short", "b.png is no picture"])
    options = AdaptOptions(steps=1, batch_size=2, keypoints=4, reconstruction=0)
    framing = adapt(data, core_model, options, run(tmp_path / "run")).manifest.framing
    assert (tmp_path / "run" / "skipped.txt").read_text().splitlines() == data.skipped
    assert framing is not None
    assert np.shape(framing.landmarks_input) == (4, 2)
    assert 0 < framing.score < 1
    assert framing.spread_px > 0


def test_a_single_landmark_frames_no_objects(core_model, tmp_path: Path) -> None:
    options = AdaptOptions(steps=1, batch_size=2, keypoints=1, reconstruction=0)
    assert adapt(foxes(2), core_model, options, run(tmp_path / "run")).manifest.framing is None


def test_a_model_says_which_landmarks_trade_places(core_model, monkeypatch, tmp_path) -> None:
    options = replace(OPTIONS, reconstruction=0, mirror=True, mirror_from=0.0, keypoints=4)
    monkeypatch.setattr(mirror, "LIMIT_PX", 1e3)
    found = adapt(foxes(4), core_model, options, run(tmp_path / "run")).manifest.mirrored
    assert [found[partner] for partner in found] == [0, 1, 2, 3]
    monkeypatch.setattr(mirror, "LIMIT_PX", 0.0)
    model = adapt(foxes(4), core_model, options, run(tmp_path / "other"))
    assert model.manifest.mirrored is None
