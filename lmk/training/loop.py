"""The loop that every training shares: schedule, steps, log, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lmk.system.errors import DataError, TrainingError
from lmk.system.interrupt import stop_on_signals
from lmk.system.progress import Reporter
from lmk.training.checkpoint import Progress, begin, reserved, resume_from, save_checkpoint
from lmk.training.config_file import write_config
from lmk.training.device import Compute
from lmk.training.learner import Learner
from lmk.training.log import Log
from lmk.training.monitor import Monitor
from lmk.training.options import Decay, RunOptions

AGREE_INTERVAL = 10  # steps between two questions of several GPUs to one another: they wait then
GRADIENT_NORM = 1.0
EARLY_SHARE = 0.1


@dataclass(frozen=True)
class Run:
    """Where a training runs, and all other settings that do not change its result.

    `config` is written into the folder, for --config; `command`, the command line, is written into
    the model's manifest.
    """

    folder: Path
    compute: Compute
    report: Reporter
    options: RunOptions = field(default_factory=RunOptions)
    resume: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    command: str | None = None


def reserve(run: Run) -> AbstractContextManager[None]:
    """Keep other trainings out of a run's folder, into which only the first process writes."""
    return reserved(run.folder) if run.compute.first else nullcontext()


@dataclass(frozen=True)
class Schedule:
    """Steps, and the share of the full learning rate at each of them.

    A linear warm-up over a share of the steps, then a cosine to zero, or for "steps" a tenth after
    every `decay_every`.
    """

    steps: int
    warm_up: float = 0.05
    decay: Decay = "cosine"
    decay_every: int = 1000

    def rate(self, step: int) -> float:
        """Share of the full learning rate at a step."""
        warm_up = round(self.warm_up * self.steps)
        if step < warm_up:
            return (step + 1) / warm_up
        if self.decay == "steps":
            return float(0.1 ** (step // self.decay_every))
        done = (step - warm_up) / max(1, self.steps - warm_up)
        return 0.5 * (1 + math.cos(math.pi * done))


def train(
    learner: Learner, schedule: Schedule, settings: dict[str, Any], run: Run, monitor: Monitor
) -> Progress:
    """Train to the end of the schedule, or until the run is stopped; return the last step.

    A checkpoint is written, completely or not at all, every few minutes, at the end, on Ctrl-C, a
    termination signal or a closed terminal, and when the data disappear. A resumed run continues
    from it, and `settings` must then equal those of the checkpoint. Raises TrainingError on a loss
    that is not finite, and keeps the last good checkpoint; DataError when the data can no longer be
    read; OutputError.
    """
    if run.resume:
        first, before = resume_from(learner, run.folder, settings)
        if before not in (None, now := run.compute.describe()):
            run.report.warn(f"up to step {first.steps} this ran on {before}, now it runs on {now}")
    elif run.compute.first:
        first = begin(run.folder)
        write_config(run.folder, run.config)
    else:
        first = Progress()
    if not run.compute.first:
        return _follow(learner, schedule, first, run)
    with Log(run.folder, first.steps) as log:
        return _lead(learner, schedule, settings, first, run, monitor, log)


def _lead(
    learner: Learner,
    schedule: Schedule,
    settings: dict[str, Any],
    first: Progress,
    run: Run,
    monitor: Monitor,
    log: Log,
) -> Progress:
    def save(done: Progress) -> None:
        save_checkpoint(learner, run.folder, done, settings, run.compute.describe())

    clock = _Clock(run, first)
    done = saved = first
    with stop_on_signals() as stop, run.report.bar("training", schedule.steps, first.steps) as bar:
        while done.steps < schedule.steps and not _ends(run, done, clock.over() or stop.is_set()):
            try:
                losses = step(learner, done.steps, schedule.rate(done.steps))
                done = replace(done, steps=done.steps + 1, minutes=clock.minutes())
                note = ""
                if done.steps % run.options.log_every == 0:
                    values = _finite(losses, done.steps)
                    log.losses(done.steps, values)
                    note = _note(values, clock.rate(done.steps) * learner.batch_size)
                early = done.steps < max(EARLY_SHARE, schedule.warm_up) * schedule.steps
                done = replace(done, best=monitor.after(done, learner, log, early))
            except DataError:
                save(done)
                raise
            bar.advance(note=note)
            if done.minutes - saved.minutes >= run.options.checkpoint_minutes:
                _finite(losses, done.steps)
                save(done)
                saved = done
    if done.steps > saved.steps:
        _finite(losses, done.steps)
        save(done)
    elif not done.steps:  # stopped before the first step, which --resume goes on to
        save(done)
    return done


def _follow(learner: Learner, schedule: Schedule, first: Progress, run: Run) -> Progress:
    """Take the same steps as the first process. Only that one writes and decides when to end."""
    done = first
    with stop_on_signals() as stop:  # which torchrun hands on to every process
        while done.steps < schedule.steps and not _ends(run, done, stop.is_set()):
            step(learner, done.steps, schedule.rate(done.steps))
            done = replace(done, steps=done.steps + 1)
    return done


def step(learner: Learner, number: int, rate: float = 1.0) -> dict[str, Tensor]:
    """Take one step at a share of the learning rates and return its losses."""
    for group in learner.optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * rate
    learner.optimizer.zero_grad(set_to_none=True)
    losses = learner.losses(number)
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    for module in learner.modules.values():
        nn.utils.clip_grad_norm_(list(module.parameters()), GRADIENT_NORM)  # which may be none
    learner.optimizer.step()
    return {name: value.detach() for name, value in losses.items()}


class _Clock:
    def __init__(self, run: Run, first: Progress) -> None:
        self._began, self._before, self._first = time.monotonic(), first.minutes, first.steps
        limit = run.options.max_minutes
        self._most = math.inf if limit is None else limit

    def minutes(self) -> float:
        return self._before + (time.monotonic() - self._began) / 60

    def rate(self, steps: int) -> float:
        """Steps per second of this call."""
        return (steps - self._first) / max(time.monotonic() - self._began, 1e-9)

    def over(self) -> bool:
        return (time.monotonic() - self._began) / 60 >= self._most


def _note(values: Mapping[str, float], images_per_second: float) -> str:
    losses = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
    return f"{images_per_second:.1f} images/s  {losses}"


def _ends(run: Run, done: Progress, ending: bool) -> bool:
    """Whether to end before the next step; all processes agree on it."""
    several = run.compute.processes > 1
    if several and run.compute.device.type == "cuda" and done.steps % AGREE_INTERVAL:
        return False
    return run.compute.any(ending)


def _finite(losses: Mapping[str, Tensor], number: int) -> dict[str, float]:
    """Read losses from the device; raises TrainingError when one is not finite."""
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"step {number}: {', '.join(bad)} is not finite. The last good checkpoint is kept; "
            "start again with lower rates, or with --precision fp32"
        )
    return values
