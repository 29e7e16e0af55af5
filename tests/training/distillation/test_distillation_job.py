from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import Dots, dots
from random_models import make_projected, save_model

from lmk.data.packed import content_sha256
from lmk.data.source import UnlabelledSet
from lmk.inference.backends.base import Inferred
from lmk.inference.landmarker import Landmarker
from lmk.model.folder import Model
from lmk.model.framing import Framing
from lmk.networks.load import load_network
from lmk.networks.projection import adapter_state
from lmk.networks.state import arrays_of
from lmk.system.errors import DataError, LmkError, TrainingError, UsageError
from lmk.system.progress import Reporter
from lmk.training.device import Compute
from lmk.training.distillation import job
from lmk.training.distillation.job import Teacher, distill, open_teachers
from lmk.training.distillation.learner import DistillLearner
from lmk.training.loop import Run
from lmk.training.options import DistillOptions, RunOptions

CPU = Compute(torch.device("cpu"), bf16=False)
OPTIONS = DistillOptions(size="tiny", steps=6, batch_size=8, learning_rate=5e-3)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))


def pictures(count: int = 24) -> UnlabelledSet:
    crops = dots(count)[0]
    return UnlabelledSet(crops, content_sha256(crops))


def teacher() -> Teacher:
    return Teacher("dots", "d" * 64, Dots())


def run(folder: Path, **options: object) -> Run:
    resume = bool(options.pop("resume", False))
    return Run(folder, CPU, Reporter(), RunOptions(**options), resume)


def test_a_run_folder_is_a_model(tmp_path: Path) -> None:
    model = distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "run"))
    manifest = model.manifest
    assert (manifest.kind, manifest.architecture) == ("network", "student-tiny")
    assert (manifest.num_landmarks, manifest.softargmax_beta) == (3, 1.0)
    assert manifest.mirrored == [0, 2, 1]
    assert manifest.framing is not None
    assert manifest.framing.find_scores
    assert 0 < manifest.framing.find_scores[0] <= 1
    assert manifest.training["teachers"] == [{"name": "dots", "sha256": "d" * 64}]
    found = Landmarker(model.folder, "onnxruntime")(dots(1)[0][0], [0, 0, 90, 90])
    assert found.xy.shape == (1, 3, 2)


def test_an_adapter_goes_on_learning_and_its_core_stays(small_core: Model, tmp_path: Path) -> None:
    projected = make_projected(load_network(small_core)[0], 3)
    arrays, name = arrays_of(adapter_state(projected)), small_core.architecture.name
    adapter = save_model(tmp_path / "dots", "dots", arrays, 3, small_core, name)
    options = replace(OPTIONS, steps=2)
    model = distill(pictures(), [teacher()], options, run(tmp_path / "run"), adapter)
    manifest = model.manifest
    assert (manifest.kind, manifest.core) == ("adapter", adapter.manifest.core)
    assert manifest.softargmax_beta == adapter.manifest.softargmax_beta != OPTIONS.beta
    assert manifest.training["settings"]["start"] == adapter.sha256
    after = model.arrays()
    assert arrays.keys() == after.keys()
    moved = {name for name in arrays if not np.array_equal(arrays[name], after[name])}
    assert {name for name in arrays if name.endswith("projection_delta")} <= moved


def test_a_student_goes_on_from_its_weights(tmp_path: Path) -> None:
    first = distill(pictures(), [teacher()], replace(OPTIONS, steps=2), run(tmp_path / "a"))
    still = replace(OPTIONS, learning_rate=0.0, steps=1)
    second = distill(pictures(), [teacher()], still, run(tmp_path / "b"), first)
    before, after = first.arrays(), second.arrays()
    weights = [name for name in before if "running" not in name and "batches" not in name]
    assert all(np.array_equal(before[name], after[name]) for name in weights)
    other = distill(pictures(), [teacher()], still, run(tmp_path / "c"))
    assert any(not np.array_equal(before[name], other.arrays()[name]) for name in weights)


def test_a_start_has_the_landmarks_of_the_teacher(adapter_model: Model) -> None:
    with pytest.raises(UsageError, match="the teacher's 3 landmarks, and adapter has 7"):
        job.check_start(adapter_model, [teacher()])


def test_a_student_is_found_as_its_teacher_is(tmp_path: Path) -> None:
    known = teacher()
    known.backend.framing = Framing(((1, 2), (3, 4), (5, 6)), 1, 0.5, "cascade:cat", (0, 0, 1, 0.5))
    framing = distill(pictures(), [known], OPTIONS, run(tmp_path / "run")).manifest.framing
    assert framing is not None
    assert (framing.finder, framing.finder_box) == ("cascade:cat", (0, 0, 1, 0.5))
    assert framing.landmarks_input != known.backend.framing.landmarks_input


def test_a_student_finds_what_its_teacher_found(tmp_path: Path) -> None:
    options = replace(OPTIONS, steps=80, batch_size=8)
    model = distill(pictures(60), [teacher()], options, run(tmp_path / "run"))
    crops, xy = dots(70)
    found = Landmarker(model.folder, "onnxruntime")(
        list(crops[60:, :, :, ::-1]), [np.array([0, 0, 90, 90])] * 10
    )
    assert np.linalg.norm(found.xy - xy[60:], axis=-1).mean() < 2.5


def test_a_stopped_run_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "whole"))
    losses = DistillLearner.losses

    def interrupted(learner: DistillLearner, step: int) -> dict[str, torch.Tensor]:
        if step == 2:
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
        return losses(learner, step)

    with monkeypatch.context() as patch:
        patch.setattr(DistillLearner, "losses", interrupted)
        stopped = distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "cut"))
    assert stopped.manifest.training["steps"] == 3
    cut = distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "cut", resume=True))
    assert cut.manifest.training["steps"] == OPTIONS.steps
    states = [load_network(each)[0].state_dict() for each in (whole, cut)]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=0, atol=0)


def test_another_teacher_or_size_cannot_resume(tmp_path: Path) -> None:
    distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "run"))
    other = replace(teacher(), sha256="e" * 64)
    with pytest.raises(TrainingError, match="teachers was"):
        distill(pictures(), [other], OPTIONS, run(tmp_path / "run", resume=True))
    small = replace(OPTIONS, size="small")
    with pytest.raises(TrainingError, match="size was 'tiny'"):
        distill(pictures(), [teacher()], small, run(tmp_path / "run", resume=True))


def test_labels_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "first"))
    broken = teacher()
    monkeypatch.setattr(broken.backend, "infer", lambda _: pytest.fail("labels again"))
    distill(pictures(), [broken], replace(OPTIONS, size="small"), run(tmp_path / "second"))


def test_a_scattered_teacher_is_refused_before_it_labels(tmp_path: Path) -> None:
    scattered = teacher()
    scattered.backend.off = 3.0
    with pytest.raises(DataError, match=r"differ by 1\d\.\d px"):
        distill(pictures(), [scattered], OPTIONS, run(tmp_path / "run"))
    assert not list((tmp_path / "cache").rglob("*.npz"))


def test_a_teacher_that_prefers_a_side_is_not_scattered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its landmarks lie 2.2 px right of the dots in every picture, mirrored or not."""
    aside = teacher()
    found = Dots.infer

    def moved(given: Inferred) -> Inferred:
        return given._replace(landmarks=given.landmarks + np.array([2.2, 0], np.float32))

    monkeypatch.setattr(Dots, "infer", lambda *given: moved(found(*given)))
    model = distill(pictures(), [aside], OPTIONS, run(tmp_path / "run"))
    assert model.manifest.mirrored == [0, 2, 1]


def test_teachers_that_disagree_are_named_as_such(tmp_path: Path) -> None:
    class Swapped(Dots):
        def infer(self, images: np.ndarray) -> Inferred:
            found = super().infer(images)
            return found._replace(landmarks=found.landmarks[:, [1, 0, 2]])

    other = Teacher("swapped", "e" * 64, Swapped())
    with pytest.raises(DataError, match="the same landmarks in the same order"):
        distill(pictures(), [teacher(), other], OPTIONS, run(tmp_path / "run"))
    with pytest.raises(UsageError, match="at least one teacher"):
        open_teachers([], CPU)


def test_labels_that_cannot_be_kept_are_still_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "labels").touch()
    distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "run"))
    assert "The labels are not kept" in " ".join(capsys.readouterr().err.split())


def test_a_poor_student_is_warned_of_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distill(pictures(), [teacher()], replace(OPTIONS, steps=1), run(tmp_path / "run"))
    said = " ".join(capsys.readouterr().err.split())
    assert "px from its teacher on held-out pictures" in said


def test_a_model_is_not_replaced_by_its_student(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    distill(pictures(), [teacher()], OPTIONS, run(folder))
    (folder / "checkpoint.pt").unlink()
    with pytest.raises(TrainingError, match="holds a model, which would be replaced"):
        distill(pictures(), [teacher()], OPTIONS, run(folder))


def test_a_run_that_its_time_ends_can_find_its_objects(tmp_path: Path) -> None:
    longer = replace(OPTIONS, steps=10**6)
    model = distill(pictures(), [teacher()], longer, run(tmp_path / "run", max_minutes=0.01))
    assert 0 < model.manifest.training["steps"] < 10**6
    assert model.manifest.framing is not None
    assert model.manifest.framing.find_scores


def test_a_run_without_time_can_be_resumed(tmp_path: Path) -> None:
    distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "run", max_minutes=0))
    model = distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "run", resume=True))
    assert model.manifest.training["steps"] == OPTIONS.steps


def test_other_settings_are_refused_before_labelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distill(pictures(), [teacher()], OPTIONS, run(tmp_path / "run"))
    monkeypatch.setattr(job, "label", lambda *_: pytest.fail("labels"))
    other = replace(OPTIONS, views=4)
    with pytest.raises(TrainingError, match="views was 2 and is 4"):
        distill(pictures(), [teacher()], other, run(tmp_path / "run", resume=True))


def test_a_missing_file_is_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(LmkError, match="does not exist"):
        open_teachers([str(tmp_path / "nothing.onnx")], CPU)


def test_too_few_pictures_for_a_batch_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least a batch of 64"):
        distill(pictures(20), [teacher()], replace(OPTIONS, batch_size=64), run(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_teachers_have_the_same_number_of_landmarks(core_model, adapter_model) -> None:
    folders = [str(model.folder) for model in (core_model, adapter_model)]
    with pytest.raises(UsageError, match=r"core 14, .*adapter 7"):
        open_teachers(folders, CPU)
    core, again = open_teachers([folders[0]] * 2, CPU)
    assert core.sha256 == again.sha256 == core_model.sha256


def test_a_teacher_in_two_files_is_identified_by_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "open_backend", lambda *_, **__: Dots())
    (tmp_path / "teacher.xml").write_text("<net/>")
    found = []
    for weights in (b"first", b"second"):
        (tmp_path / "teacher.bin").write_bytes(weights)
        found.append(open_teachers([str(tmp_path / "teacher.xml")], CPU)[0].sha256)
    assert found[0] != found[1]
