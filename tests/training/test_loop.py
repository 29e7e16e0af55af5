from __future__ import annotations

import csv
import os
import signal

import numpy as np
import pytest
import torch
from clips import full_disk
from torch import nn

from lmk.data.batch import step_generator
from lmk.system import interrupt
from lmk.system.errors import DataError, OutputError, TrainingError
from lmk.system.progress import Reporter
from lmk.training.checkpoint import (
    CHECKPOINT,
    LOCK,
    Progress,
    check_place,
    reserved,
    save_checkpoint,
)
from lmk.training.config_file import CONFIG
from lmk.training.device import Compute
from lmk.training.learner import Observation
from lmk.training.log import CSV, EVENTS
from lmk.training.loop import Run, Schedule, train
from lmk.training.monitor import Monitor
from lmk.training.options import RunOptions

SETTINGS = {"task": "train", "rate": 0.01, "seed": 4}


class TinyLearner:
    """A two-layer network on random numbers: the loop's contract without an hourglass."""

    def __init__(
        self,
        fail_at: int | None = None,
        stop_at: int | None = None,
        vanish_at: int | None = None,
    ) -> None:
        torch.manual_seed(4)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
        self.modules = {"net": self.net}
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.01, betas=(0.0, 0.9))
        self.fail_at, self.stop_at, self.vanish_at = fail_at, stop_at, vanish_at
        self.seen: list[float] = []

    batch_size = 6

    def losses(self, step: int) -> dict[str, torch.Tensor]:
        if step == self.stop_at:
            # The handler alone: OpenVINO, once two models were loaded, leaves a process in which
            # a delivered signal crashes.
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)
        if step == self.vanish_at:
            raise DataError("the packed set is gone")
        x = torch.randn(6, 3, generator=step_generator(step, 4, torch.device("cpu")))
        loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
        if step == self.fail_at:
            loss = loss * float("nan")
        self.seen.append(loss.item())
        return {"loss": loss}

    def observe(self) -> Observation:
        return Observation(loss=1.0, picture=np.zeros((4, 6, 3), np.uint8))


def run(learner: TinyLearner, folder, steps: int = 60, **options) -> int:
    settings = options.pop("settings", SETTINGS)
    compute = Compute(torch.device("cpu"), bf16=options.pop("bf16", False))
    resume = options.pop("resume", False)
    lasting = RunOptions(**{"look_every": 10**9, **options})
    chosen = Run(folder, compute, Reporter(), lasting, resume)
    monitor = Monitor(folder, lambda *_: None, chosen.report, lasting)
    return train(learner, Schedule(steps), settings, chosen, monitor).steps


def rows(folder) -> list[dict[str, str]]:
    with (folder / CSV).open() as file:
        return list(csv.DictReader(file))


def test_a_resumed_run_repeats_the_uninterrupted_losses_exactly(tmp_path) -> None:
    whole = TinyLearner()
    run(whole, tmp_path / "whole")
    first = TinyLearner(stop_at=33)
    assert run(first, tmp_path / "cut") == 34
    second = TinyLearner()
    assert run(second, tmp_path / "cut", resume=True) == 60
    assert first.seen + second.seen == whole.seen
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    assert len(rows(tmp_path / "cut")) == 6


def test_learning_improves(tmp_path) -> None:
    learner = TinyLearner()
    run(learner, tmp_path, steps=400)
    assert sum(learner.seen[-20:]) < 0.4 * sum(learner.seen[:20])


def test_schedule_warms_up_and_falls_to_zero() -> None:
    rates = [Schedule(200).rate(step) for step in range(200)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert rates[105] == pytest.approx(0.5, abs=0.01)
    assert rates[-1] < 1e-3
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint(tmp_path) -> None:
    run(TinyLearner(), tmp_path, steps=20)
    good = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CSV).unlink()
    learner = TinyLearner(fail_at=29)
    with pytest.raises(TrainingError, match="step 30: loss is not finite"):
        run(learner, tmp_path, steps=60, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == good


def test_data_that_vanish_leave_a_checkpoint_of_the_last_step(tmp_path) -> None:
    with pytest.raises(DataError, match="is gone"):
        run(TinyLearner(vanish_at=17), tmp_path)
    learner = TinyLearner()
    assert run(learner, tmp_path, resume=True) == 60
    whole = TinyLearner()
    run(whole, tmp_path / "whole")
    assert learner.seen == whole.seen[17:]


def test_data_that_vanish_at_a_look_leave_a_checkpoint_too(tmp_path) -> None:
    class Blind(TinyLearner):
        def observe(self) -> Observation:
            raise DataError("the validation set is gone")

    with pytest.raises(DataError, match="is gone"):
        run(Blind(), tmp_path, look_every=17)
    learner = TinyLearner()
    assert run(learner, tmp_path, resume=True) == 60
    assert len(learner.seen) == 60 - 17


def test_weights_that_are_not_finite_do_not_replace_a_checkpoint(tmp_path) -> None:
    run(TinyLearner(), tmp_path, steps=10)
    good = (tmp_path / CHECKPOINT).read_bytes()

    broken = TinyLearner()
    broken.modules["net"].register_buffer("count", torch.tensor(float("inf")))
    with pytest.raises(TrainingError, match=r"step 10: net is no longer finite \(count\)"):
        save_checkpoint(broken, tmp_path, Progress(10), SETTINGS, "cpu, fp32")
    assert (tmp_path / CHECKPOINT).read_bytes() == good


def test_the_tenth_every_so_many_steps() -> None:
    schedule = Schedule(100, warm_up=0.1, decay="steps", decay_every=40)
    assert [schedule.rate(s) for s in (0, 9, 10, 39, 40, 80)] == pytest.approx(
        [0.1, 1, 1, 1, 0.1, 0.01]
    )


def test_the_best_loss_is_remembered_by_a_resumed_run(tmp_path) -> None:
    evaluated: list[Progress] = []

    class Falling(TinyLearner):
        def observe(self) -> Observation:
            return Observation(20.0 - len(self.seen), np.zeros((4, 6, 3), np.uint8))

    def go(learner: TinyLearner, steps: int, resume: bool) -> Progress:
        compute = Compute(torch.device("cpu"), bf16=False)
        chosen = Run(tmp_path, compute, Reporter(), resume=resume)
        lasting = RunOptions(look_every=5)
        monitor = Monitor(
            tmp_path, lambda _folder, done: evaluated.append(done), chosen.report, lasting
        )
        return train(learner, Schedule(steps), SETTINGS, chosen, monitor)

    assert go(Falling(), 10, resume=False).best == 10
    assert [done.steps for done in evaluated] == [5, 10]
    assert go(Falling(), 15, resume=True).best == 10  # its one evaluation has a loss of 15
    assert len(evaluated) == 2


def test_max_minutes_ends_with_a_checkpoint(tmp_path) -> None:
    assert run(TinyLearner(), tmp_path, steps=10**9, max_minutes=0.02) > 0
    assert (tmp_path / CHECKPOINT).exists()


def test_other_settings_are_refused_with_the_difference(tmp_path) -> None:
    run(TinyLearner(), tmp_path, steps=2)
    with pytest.raises(TrainingError, match=r"rate was 0\.01 and is 0\.02"):
        run(TinyLearner(), tmp_path, resume=True, settings={**SETTINGS, "rate": 0.02})


def test_settings_that_a_checkpoint_does_not_know_had_their_defaults(tmp_path) -> None:
    """As one of an lmk without these views, which goes on without them alone."""
    run(TinyLearner(), tmp_path, steps=2)
    added = {"warp": 0.0, "mirror": False, "mirror_from": 0.2}
    assert run(TinyLearner(), tmp_path, steps=3, resume=True, settings={**SETTINGS, **added}) == 3
    with pytest.raises(TrainingError, match=r"warp was 0\.0 and is 0\.03"):
        run(TinyLearner(), tmp_path, resume=True, settings={**SETTINGS, **added, "warp": 0.03})


def test_a_checkpoint_of_an_earlier_version_named_its_network_a_detector(tmp_path) -> None:
    class Adapted(TinyLearner):
        def __init__(self) -> None:
            super().__init__()
            self.modules = {"network": self.net}

    run(Adapted(), tmp_path, steps=3)
    content = torch.load(tmp_path / CHECKPOINT)
    content["modules"]["detector"] = content["modules"].pop("network")
    torch.save(content, tmp_path / CHECKPOINT)
    resumed, whole = Adapted(), Adapted()
    run(resumed, tmp_path, steps=6, resume=True)
    run(whole, tmp_path / "whole", steps=3)
    assert run(whole, tmp_path / "whole", steps=6, resume=True) == 6
    assert resumed.seen == whole.seen[3:]


def test_another_precision_goes_on_with_a_warning(tmp_path, capsys) -> None:
    for bf16 in (False, False, True):
        run(TinyLearner(), tmp_path, steps=10, bf16=bf16, resume=(tmp_path / CHECKPOINT).exists())
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("warning") == 1
    assert "up to step 10 this ran on cpu, fp32, now it runs on cpu, bf16" in said


def test_a_run_is_not_overwritten_by_accident(tmp_path) -> None:
    run(TinyLearner(), tmp_path, steps=2)
    with pytest.raises(TrainingError, match="add --resume"):
        run(TinyLearner(), tmp_path)


def test_nothing_to_resume_and_a_damaged_checkpoint_are_clear_errors(tmp_path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        run(TinyLearner(), tmp_path, resume=True)
    (tmp_path / CHECKPOINT).write_bytes(b"cut off")
    with pytest.raises(TrainingError, match="is damaged") as caught:
        run(TinyLearner(), tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_other_networks_is_a_clear_error(tmp_path) -> None:
    """As of an earlier version, whose settings had the same names."""
    run(TinyLearner(), tmp_path, steps=2)
    other = TinyLearner()
    other.net = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1))
    other.modules = {"net": other.net}
    with pytest.raises(TrainingError, match="with different networks") as caught:
        run(other, tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path) -> None:
    run(TinyLearner(), tmp_path, steps=10)
    good = (tmp_path / CHECKPOINT).read_bytes()
    with full_disk(len(good) // 2), pytest.raises(OutputError, match=r"checkpoint\.pt"):
        run(TinyLearner(), tmp_path, steps=20, resume=True)
    assert (tmp_path / CHECKPOINT).read_bytes() == good
    assert sorted(p.name for p in tmp_path.iterdir()) == [CHECKPOINT, CONFIG, CSV, EVENTS]


def test_a_second_training_in_a_folder_is_refused_at_once(tmp_path) -> None:
    folder = tmp_path / "run"
    with reserved(folder):
        for resume in (False, True):
            with pytest.raises(OutputError, match=f"in use by process {os.getpid()}: wait"):
                check_place(folder, resume)
        run(TinyLearner(), folder, steps=2)
    assert not (folder / LOCK).exists()
    check_place(folder, resume=True)


def test_a_training_that_fails_before_it_writes_leaves_no_folder(tmp_path) -> None:
    with pytest.raises(DataError), reserved(tmp_path / "run"):
        raise DataError("no pictures")
    assert not list(tmp_path.iterdir())


def test_a_training_that_a_signal_stops_has_its_exit_code(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(interrupt, "_ended_by", None)
    run(TinyLearner(), tmp_path / "timed", steps=10**9, max_minutes=0.001)
    assert interrupt.exit_code() == 0
    run(TinyLearner(stop_at=3), tmp_path / "stopped")
    assert interrupt.exit_code() == 130
