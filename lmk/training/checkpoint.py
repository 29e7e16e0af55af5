"""Checkpoints: everything a training needs to go on, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lmk.errors import TrainingError
from lmk.files import replacing

CHECKPOINT = "checkpoint.pt"


class Learner(Protocol):
    """What the loop trains: named modules, their optimiser, and the losses of one step.

    All randomness of a step follows from its number, so there is no random state to keep.
    """

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """What a checkpoint holds."""

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Updates what is learnable."""

    def losses(self, step: int) -> dict[str, Tensor]:
        """Scalars of step `step`; "loss" is minimised, the others are logged."""


@dataclass(frozen=True)
class Progress:
    """How far a training is, over all calls that resumed it."""

    steps: int
    minutes: float


def begin(run: Path) -> Progress:
    """Make the folder of a new training. Raises TrainingError if it holds one already."""
    if (run / CHECKPOINT).exists():
        raise TrainingError(
            f"{run} holds a training already: add --resume to go on, or choose another folder"
        )
    with replacing(run / CHECKPOINT) as temporary:  # shows early that the folder can be written
        temporary.touch()
    (run / CHECKPOINT).unlink()
    return Progress(0, 0.0)


def save_checkpoint(learner: Learner, run: Path, done: Progress, settings: dict[str, Any]) -> None:
    """Write a checkpoint in place of the last one. Raises OutputError."""
    content = {
        "steps": done.steps,
        "minutes": done.minutes,
        "settings": settings,
        "modules": {name: module.state_dict() for name, module in learner.modules.items()},
        "optimizer": learner.optimizer.state_dict(),
    }
    with replacing(run / CHECKPOINT) as temporary:
        torch.save(content, temporary)


def resume_from(learner: Learner, run: Path, settings: dict[str, Any]) -> Progress:
    """Load a run's checkpoint into a learner.

    Raises TrainingError when there is none, when it is damaged, or when it was made with other
    settings, naming those that differ.
    """
    path = run / CHECKPOINT
    if not path.exists():
        raise TrainingError(f"nothing to resume: no {CHECKPOINT} in {run}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        done = Progress(content["steps"], content["minutes"])
        before = content["settings"]
    except Exception as error:  # torch raises many types for a damaged file
        raise TrainingError(
            f"{path} is damaged ({_first_line(error)}): start again in another folder"
        ) from error
    _compare(before, settings)
    for name, module in learner.modules.items():
        module.load_state_dict(content["modules"][name])
    learner.optimizer.load_state_dict(content["optimizer"])
    return done


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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
