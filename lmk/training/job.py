"""What every complete training does: the loop, the saved model, the record in its manifest."""

from __future__ import annotations

from typing import Any

from lmk.model.folder import Model, find_model
from lmk.training.checkpoint import Progress
from lmk.training.learner import Learner
from lmk.training.loop import Run, Schedule, train
from lmk.training.monitor import Monitor, SaveModel


def run_job(
    learner: Learner,
    schedule: Schedule,
    settings: dict[str, Any],
    run: Run,
    save: SaveModel,
) -> Model:
    """Train to the end, or until the run is stopped, and write the model into the run folder.

    Every process returns the model. Raises as `train` does.
    """
    monitor = Monitor(run.folder, save, run.report, run.options)
    done = train(learner, schedule, settings, run, monitor)
    if done.steps < schedule.steps:
        run.report.say(
            f"stopped after {done.steps} of {schedule.steps} steps: continue with --resume"
        )
    if run.compute.first:
        save(run.folder, done)
    run.compute.wait()
    return find_model(str(run.folder))


def training_record(done: Progress, settings: dict[str, Any], run: Run) -> dict[str, Any]:
    """The training entry of a manifest."""
    return {
        "command": run.command,
        "steps": done.steps,
        "minutes": round(done.minutes, 1),
        "settings": settings,
        "compute": run.compute.describe(),
    }
