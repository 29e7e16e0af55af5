"""The loop that every training shares: schedule, steps, log."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lmk.errors import TrainingError
from lmk.interrupt import stop_on_signals
from lmk.progress import Reporter
from lmk.training.checkpoint import Learner, Progress, begin, resume_from, save_checkpoint

LOG = "log.csv"
CHECKPOINT_INTERVAL_S = 120.0
LOG_INTERVAL = 10  # reading a loss waits for the device, so not every step does
WARM_UP_SHARE = 0.05
GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Schedule:
    """How long to train: at most `steps`, and at most `max_minutes` of this call."""

    steps: int
    max_minutes: float | None = None

    def rate(self, step: int) -> float:
        """Share of the full learning rate: linear warm-up, then a cosine to zero."""
        warm_up = max(1, round(WARM_UP_SHARE * self.steps))
        if step < warm_up:
            return (step + 1) / warm_up
        done = (step - warm_up) / max(1, self.steps - warm_up)
        return 0.5 * (1 + math.cos(math.pi * done))


def train(
    learner: Learner,
    schedule: Schedule,
    run: Path,
    settings: dict[str, Any],
    report: Reporter,
    resume: bool = False,
) -> Progress:
    """Train to the end of the schedule and say how far that was.

    A checkpoint is written every two minutes, at the end and on Ctrl-C, whole or not at all.
    `resume` goes on from it; `settings` must then equal those it was made with. Raises
    TrainingError on a loss that is not finite, and keeps the last good checkpoint.
    """
    first = resume_from(learner, run, settings) if resume else begin(run)
    _trim_log(run, first.steps)
    for group in learner.optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    began = saved = time.monotonic()
    deadline = began + 60 * (math.inf if schedule.max_minutes is None else schedule.max_minutes)
    done, losses = first, {}
    with stop_on_signals() as stop, report.bar("training", schedule.steps, first.steps) as bar:
        while done.steps < schedule.steps and time.monotonic() < deadline and not stop.is_set():
            losses = _step(learner, done.steps, schedule.rate(done.steps))
            minutes = first.minutes + (time.monotonic() - began) / 60
            done = Progress(done.steps + 1, minutes)
            logged = done.steps % LOG_INTERVAL == 0
            bar.advance(note=_log(run, done.steps, losses) if logged else "")
            if time.monotonic() - saved > CHECKPOINT_INTERVAL_S:
                _save(learner, run, done, settings, losses)
                saved = time.monotonic()
    if done.steps > first.steps:
        _save(learner, run, done, settings, losses)
    return done


def _step(learner: Learner, step: int, rate: float) -> dict[str, Tensor]:
    for group in learner.optimizer.param_groups:
        group["lr"] = group["initial_lr"] * rate
    learner.optimizer.zero_grad(set_to_none=True)
    losses = learner.losses(step)
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    for module in learner.modules.values():
        nn.utils.clip_grad_norm_(module.parameters(), GRADIENT_NORM)
    learner.optimizer.step()
    return {name: value.detach() for name, value in losses.items()}


def _save(
    learner: Learner,
    run: Path,
    done: Progress,
    settings: dict[str, Any],
    losses: Mapping[str, Tensor],
) -> None:
    _check_finite(losses, done.steps)
    save_checkpoint(learner, run, done, settings)


def _check_finite(losses: Mapping[str, Tensor], step: int) -> None:
    bad = [name for name, value in losses.items() if not math.isfinite(float(value))]
    if bad:
        raise TrainingError(
            f"step {step}: {', '.join(bad)} is not finite. The last good checkpoint is kept; "
            "resume with a lower learning rate, or with --precision fp32"
        )


def _log(run: Path, step: int, losses: dict[str, Tensor]) -> str:
    _check_finite(losses, step)
    values = {name: float(value) for name, value in losses.items()}
    path = run / LOG
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, ["step", *values])
        if new:
            writer.writeheader()
        writer.writerow({"step": step, **{name: f"{v:.6g}" for name, v in values.items()}})
    return "  ".join(f"{name} {value:.4f}" for name, value in values.items())


def _trim_log(run: Path, step: int) -> None:
    """Drop the rows after the checkpoint: the resumed run writes them again."""
    path = run / LOG
    if not path.exists():
        return
    header, *rows = path.read_text().splitlines()
    kept = [row for row in rows if int(row.split(",")[0]) <= step]
    path.write_text("\n".join([header, *kept]) + "\n")
