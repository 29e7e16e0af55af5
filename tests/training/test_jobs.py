from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lmk.data.coco import KeypointSet
from lmk.data.packed import content_sha256
from lmk.data.source import UnlabelledSet
from lmk.data.synthetic import draw
from lmk.networks.load import load_network
from lmk.system.errors import TrainingError, UsageError
from lmk.system.progress import Reporter
from lmk.training import jobs, mirror
from lmk.training.device import Compute
from lmk.training.jobs import adapt, pretrain
from lmk.training.loop import Run
from lmk.training.methods import start_detector
from lmk.training.options import AdaptOptions, PretrainOptions
from lmk.training.plan import make_plan

CPU = Compute(torch.device("cpu"), bf16=False)
OPTIONS = AdaptOptions(steps=1, batch_size=2, keypoints=6)


def foxes(count: int) -> UnlabelledSet:
    crops = draw(count, seed=0)[0]
    return UnlabelledSet(crops, content_sha256(crops))


def joints(count: int) -> KeypointSet:
    crops, xy_crop = draw(4, seed=1)
    xy_crop = np.resize(xy_crop, (4, count, 2))
    names = [f"joint_{index}" for index in range(count)]
    return KeypointSet(crops, xy_crop, np.ones((4, count), bool), names)


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
    monkeypatch.setattr(jobs, "vgg19_features", lambda *_: pytest.fail("loads VGG-19"))
    for perceptual in ("vgg19", "core"):
        options = replace(OPTIONS, method="scratch", reconstruction=0, perceptual=perceptual)
        learner = jobs.make_learner(foxes(2), None, options, CPU)
    assert "generator  none" in make_plan(learner)


def test_finetune_after_projection_goes_on_from_an_adapted_run(core_model, adapter_model) -> None:
    options = replace(OPTIONS, method="finetune-after-projection", keypoints=14)
    with pytest.raises(UsageError, match="starts from an adapted run"):
        jobs.make_learner(foxes(2), core_model, options, CPU)
    jobs.make_learner(foxes(2), adapter_model, replace(options, keypoints=7), CPU)


def test_an_adapter_is_no_core_for_projections(adapter_model) -> None:
    """Its core's hash is all that a second adapter could name, and would not be what it learnt."""
    options = replace(OPTIONS, method="projection")
    with pytest.raises(UsageError, match="projection needs a complete network as core"):
        jobs.make_learner(foxes(2), adapter_model, options, CPU)
    jobs.make_learner(foxes(2), adapter_model, replace(options, method="finetune"), CPU)


def test_the_layers_that_pictures_are_compared_by_are_named(core_model) -> None:
    layers = jobs.make_learner(foxes(2), core_model, OPTIONS, CPU).options.perceptual_layers
    assert layers == "stem,block3"


def test_finetune_after_projection_keeps_the_number_of_landmarks(core_model) -> None:
    core = load_network(core_model)[0]
    network = start_detector("finetune-after-projection", core, 14)
    assert network is not core
    assert torch.equal(network.head.weight, core.head.weight)
    with pytest.raises(UsageError, match="--keypoints 14"):
        start_detector("finetune-after-projection", core, 10)


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


def test_a_core_goes_on_from_another_and_names_it(core_model, tmp_path: Path) -> None:
    still = PretrainOptions(steps=1, batch_size=2, learning_rate=0)
    first = pretrain(joints(14), None, core_model, still, run(tmp_path / "first"))
    before, after = core_model.arrays(), first.arrays()
    learnt = {name for name in before if "running" not in name}
    assert all(np.array_equal(before[name], after[name]) for name in learnt)

    second = pretrain(joints(14), None, first, still, run(tmp_path / "second"))
    origin = second.manifest.training["started_from"]
    assert (origin["name"], origin["sha256"]) == ("first", first.manifest.weights_sha256)
    assert origin["training"]["steps"] == 1
    assert origin["training"]["started_from"]["sha256"] == core_model.manifest.weights_sha256
    assert second.manifest.training["steps"] == 1

    with pytest.raises(TrainingError, match=r"core was '.*' and is None"):
        pretrain(joints(14), None, None, still, run(tmp_path / "second", resume=True))
    again = pretrain(joints(14), None, first, still, run(tmp_path / "second", resume=True))
    assert again.manifest.training["started_from"] == origin


def test_a_core_is_measured_on_the_same_points(core_model, tmp_path: Path) -> None:
    options = PretrainOptions(steps=1, batch_size=2)
    other = replace(joints(3), names=joints(3).names[::-1])
    with pytest.raises(UsageError, match="--val: expected the points of --data"):
        pretrain(joints(3), other, None, options, run(tmp_path / "run"))
    assert not list(tmp_path.iterdir())
    faces = pretrain(joints(3), joints(3), None, options, run(tmp_path / "run"))
    assert faces.manifest.figures == {}
    bodies = replace(joints(3), names=["neck", "head_top", "ankle"])
    headless = replace(bodies, labelled=np.array([[True, False, True], [False, True, True]] * 2))
    made = pretrain(bodies, headless, None, options, run(tmp_path / "headless"))
    assert made.manifest.figures == {}
    made = pretrain(bodies, bodies, None, options, run(tmp_path / "bodies"))
    assert made.manifest.figures.keys() == {"PCKh@0.5"}


def test_a_core_is_not_resumed_with_other_annotations(tmp_path: Path) -> None:
    options, data = PretrainOptions(steps=1, batch_size=2), joints(3)
    pretrain(data, None, None, options, run(tmp_path / "run"))
    corrected = replace(data, xy_crop=data.xy_crop + 1)
    with pytest.raises(TrainingError, match="annotations was"):
        pretrain(corrected, None, None, options, run(tmp_path / "run", resume=True))


def test_a_core_of_random_weights_names_no_origin(tmp_path: Path) -> None:
    options = PretrainOptions(steps=1, batch_size=2)
    made = pretrain(joints(3), None, None, options, run(tmp_path / "run"))
    assert "started_from" not in made.manifest.training


def test_a_core_to_go_on_from_has_the_landmarks_of_the_data(core_model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected 6 landmarks, as many as the data have, got 14"):
        pretrain(joints(6), None, core_model, PretrainOptions(), run(tmp_path / "run"))
    assert not list(tmp_path.iterdir())
