"""What happens at intervals during a training: evaluation, warnings, saved models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from lmk.model.folder import Model
from lmk.system.progress import Reporter
from lmk.training.checkpoint import Progress
from lmk.training.learner import Learner
from lmk.training.log import Log
from lmk.training.options import RunOptions

BEST = "best"
SNAPSHOTS = "snapshots"

SaveModel = Callable[[Path, Progress], Model]


class Monitor:
    """Evaluates a learner at intervals, and saves models of it in the run folder.

    `save_model` writes a model folder. `best` has the model with the lowest loss on the evaluation
    batch; `snapshots` the last `keep` models of every `snapshot_every` steps, or all if `keep` is
    0.
    """

    def __init__(
        self,
        run: Path,
        save_model: SaveModel,
        report: Reporter,
        options: RunOptions,
    ) -> None:
        self.run, self.save_model, self.report, self.options = run, save_model, report, options
        self._warned: set[str] = set()

    def after(self, done: Progress, learner: Learner, log: Log, early: bool) -> float:
        """Do what is due after a step and return the lowest loss so far.

        Warnings about landmarks are held back `early` in the training.
        """
        step, best = done.steps, done.best
        every = self.options.snapshot_every
        if every and step % every == 0:
            self._snapshot(done)
        if step % self.options.look_every:
            return best
        seen = learner.observe()
        log.picture(step, seen.picture)
        log.figures(step, {"loss/fixed pictures": seen.loss, **seen.figures})
        if not early:
            for name in seen.warnings.keys() - self._warned:
                self.report.warn(f"step {step}: {seen.warnings[name]}")
            self._warned = set(seen.warnings)
        if not seen.loss < best:  # or NaN
            return best
        self.save_model(self.run / BEST, done)
        return seen.loss

    def _snapshot(self, done: Progress) -> None:
        folder = self.run / SNAPSHOTS
        self.save_model(folder / f"{done.steps:06d}", done)
        if self.options.keep:
            kept = sorted(path for path in folder.iterdir() if path.is_dir())
            for old in kept[: -self.options.keep]:
                shutil.rmtree(old)
