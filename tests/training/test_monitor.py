from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from rich.console import Console

from lmk.system.progress import Reporter
from lmk.training.checkpoint import Progress
from lmk.training.learner import Observation
from lmk.training.log import Log
from lmk.training.monitor import Monitor
from lmk.training.options import RunOptions


class Scripted:
    """A learner whose observations are given in advance."""

    def __init__(self, losses: list[float], warnings: list[dict[str, str]] | None = None) -> None:
        self.losses, self.warnings = iter(losses), iter(warnings or [{}] * len(losses))

    def observe(self) -> Observation:
        picture = np.full((4, 6, 3), 90, np.uint8)
        return Observation(next(self.losses), picture, {}, next(self.warnings))


def write(folder: Path, done: Progress) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "steps").write_text(str(done.steps))


def observe(tmp_path: Path, learner: Scripted, steps: int, early_until: int = 0, **options) -> str:
    said, chosen = io.StringIO(), RunOptions(look_every=10, **options)
    monitor = Monitor(tmp_path, write, Reporter(Console(file=said, width=200)), chosen)
    done = Progress()
    with Log(tmp_path, 0) as log:
        for step in range(1, steps + 1):
            done = Progress(step, 0.0, done.best)
            best = monitor.after(done, learner, log, early=step < early_until)
            done = Progress(step, 0.0, best)
    return said.getvalue()


def test_best_is_the_model_of_the_lowest_loss(tmp_path: Path) -> None:
    observe(tmp_path, Scripted([3.0, 1.0, 2.0]), 30)
    assert (tmp_path / "best/steps").read_text() == "20"
    assert [p.name for p in sorted((tmp_path / "samples").iterdir())] == [
        "000010.jpg",
        "000020.jpg",
        "000030.jpg",
    ]


def test_a_nan_loss_is_never_the_best(tmp_path: Path) -> None:
    observe(tmp_path, Scripted([3.0, float("nan"), 2.0, float("nan")]), 40)
    assert (tmp_path / "best/steps").read_text() == "30"


def test_the_last_snapshots_are_kept(tmp_path: Path) -> None:
    observe(tmp_path, Scripted([1.0] * 9), 25, snapshot_every=4, keep=2)
    kept = sorted(p.name for p in (tmp_path / "snapshots").iterdir())
    assert kept == ["000020", "000024"]
    observe(tmp_path / "all", Scripted([1.0] * 9), 25, snapshot_every=4)
    assert len(list((tmp_path / "all/snapshots").iterdir())) == 6


def test_a_warning_is_said_when_it_begins_and_again_when_it_returns(tmp_path: Path) -> None:
    still, fine = {"stillness": "landmarks do not move"}, {}
    said = observe(tmp_path, Scripted([1.0] * 6, [still, still, still, fine, still, fine]), 60, 15)
    assert [line for line in said.splitlines() if "do not move" in line] == [
        "warning: step 20: landmarks do not move",
        "warning: step 50: landmarks do not move",
    ]
