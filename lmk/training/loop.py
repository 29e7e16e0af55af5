"""The loop that every training shares: schedule, steps, checkpoints, resume."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lmk.errors import TrainingError
from lmk.files import replacing
from lmk.interrupt import stop_on_signals
from lmk.progress import Reporter

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
CHECKPOINT_INTERVAL_S = 120.0
LOG_INTERVAL = 10  # reading a loss waits for the device, so not every step does
WARM_UP_SHARE = 0.05
GRADIENT_NORM = 1.0


class Learner(Protocol):
    """What the loop trains: named modules, their optimiser, and the losses of one step."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What a checkpoint holds."""

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Updates what is learnable."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Scalars of step `step`; "loss" is minimised, the others are logged."""


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
) -> int:
    """Train to the end of the schedule and return the number of steps done.

    A checkpoint is written every two minutes, at the end and on Ctrl-C, whole or not at all.
    `resume` goes on from it; `settings` must then equal those it was made with. Raises
    TrainingError on a loss that is not finite, and keeps the last good checkpoint.
    """
    first = _resume(learner, run, settings) if resume else _start(run)
    saved = time.monotonic()
    deadline = saved + 60 * (math.inf if schedule.max_minutes is None else schedule.max_minutes)
    for group in learner.optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    step = first
    losses: dict[str, Tensor] = {}
    with stop_on_signals() as stop, report.bar("training", schedule.steps, first) as bar:
        while step < schedule.steps and time.monotonic() < deadline and not stop.is_set():
            losses = _step(learner, step, schedule.rate(step))
            step += 1
            bar.advance(note=_log(run, step, losses) if step % LOG_INTERVAL == 0 else "")
            if time.monotonic() - saved > CHECKPOINT_INTERVAL_S:
                save_checkpoint(learner, run, step, settings, losses)
                saved = time.monotonic()
    if step > first:
        save_checkpoint(learner, run, step, settings, losses)
    return step


def save_checkpoint(
    learner: Learner,
    run: Path,
    step: int,
    settings: dict[str, Any],
    losses: Mapping[str, Tensor],
) -> None:
    """Write everything that is needed to go on after `step` steps, unless the losses went wrong."""
    _check_finite(losses, step)
    content = {
        "step": step,
        "settings": settings,
        "modules": {name: module.state_dict() for name, module in learner.modules.items()},
        "optimizer": learner.optimizer.state_dict(),
    }
    with replacing(run / CHECKPOINT) as temporary:
        torch.save(content, temporary)


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


def _start(run: Path) -> int:
    if (run / CHECKPOINT).exists():
        raise TrainingError(
            f"{run} holds a training already: add --resume to go on, or choose another folder"
        )
    run.mkdir(parents=True, exist_ok=True)
    (run / LOG).unlink(missing_ok=True)
    return 0


def _resume(learner: Learner, run: Path, settings: dict[str, Any]) -> int:
    path = run / CHECKPOINT
    if not path.exists():
        raise TrainingError(f"nothing to resume: no {CHECKPOINT} in {run}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a damaged file
        raise TrainingError(f"{path} is damaged ({error}): start again without --resume") from error
    _compare(content["settings"], settings)
    for name, module in learner.modules.items():
        module.load_state_dict(content["modules"][name])
    learner.optimizer.load_state_dict(content["optimizer"])
    _trim_log(run, content["step"])
    return int(content["step"])


def _compare(before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [
        f"{key} was {before.get(key)!r} and is {now.get(key)!r}"
        for key in sorted(before.keys() | now.keys())
        if json.dumps(before.get(key)) != json.dumps(now.get(key))
    ]
    if changed:
        raise TrainingError(
            f"cannot resume with other settings: {'; '.join(changed)}. "
            "Give the same ones or start in another folder"
        )


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
