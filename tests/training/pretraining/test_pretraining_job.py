from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lmk.data.coco import KeypointSet
from lmk.data.synthetic import draw
from lmk.system.errors import TrainingError, UsageError
from lmk.system.progress import Reporter
from lmk.training.device import Compute
from lmk.training.loop import Run
from lmk.training.options import PretrainOptions
from lmk.training.pretraining.job import pretrain

CPU = Compute(torch.device("cpu"), bf16=False)


def joints(count: int) -> KeypointSet:
    crops, xy_crop = draw(4, seed=1)
    xy_crop = np.resize(xy_crop, (4, count, 2))
    names = [f"joint_{index}" for index in range(count)]
    return KeypointSet(crops, xy_crop, np.ones((4, count), bool), names)


def run(folder: Path, resume: bool = False) -> Run:
    return Run(folder, CPU, Reporter(), resume=resume)


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
