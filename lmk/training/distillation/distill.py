"""A distillation in one call, as `lmk distill` does it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmk.data.source import UnlabelledSet, open_unlabelled
from lmk.model.folder import Model, find_model
from lmk.training.checkpoint import check_apart, check_place
from lmk.training.config_file import named_source
from lmk.training.device import Compute, reporter, select_compute
from lmk.training.distillation import job
from lmk.training.distillation.job import Teacher, open_teachers
from lmk.training.loop import Run, reserve
from lmk.training.options import DistillOptions, divide

Settings = dict[str, Any]


def distill(
    teachers: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    images: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    start: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
    resume: bool = False,
    command: str | None = None,
    **settings: Any,
) -> Model:
    """Train a small network on the landmarks that a model finds, as `lmk distill` does.

    teachers: a model that `Landmarker` runs, or several with the same landmarks, which are
    averaged. images: a folder of photographs, a packed set, or a COCO file, from which only the
    file names are used. output: the run folder, which becomes the model. start: a student or an
    adapter that goes on learning, in place of a new student. settings: options of `lmk distill` by
    their names, such as size="tiny", steps=3000 or max_minutes=10. command: the command line, for
    the manifest.

        student = lmk.distill("runs/mugs", "photos/mugs", "runs/mugs-small")
        landmarks = lmk.Landmarker(student.folder)(image)

    Returns the model. Raises UsageError, DataError, WeightsError, TrainingError, OutputError, and
    UnavailableError for a device that is not on this machine.
    """
    names = [teachers] if isinstance(teachers, str | os.PathLike) else teachers
    return prepare(
        [os.fspath(name) for name in names],
        Path(images),
        Path(output),
        os.fspath(start) if start is not None else None,
        compute=select_compute(device, precision, compiled),
        precision=precision,
        resume=resume,
        command=command,
        settings=settings,
    ).run()


@dataclass(frozen=True)
class Distillation:
    """A training that is ready to start: all inputs are found, read and checked."""

    data: UnlabelledSet
    teachers: Sequence[Teacher]
    start: Model | None
    options: DistillOptions
    training: Run

    def run(self) -> Model:
        """Find the teacher's landmarks and train to the end, or until the run is stopped."""
        with reserve(self.training):
            return job.distill(self.data, self.teachers, self.options, self.training, self.start)


def prepare(
    teachers: Sequence[str],
    source: Path,
    folder: Path,
    start: str | None,
    *,
    compute: Compute,
    precision: str,
    resume: bool,
    command: str | None,
    settings: Settings,
) -> Distillation:
    """Check the arguments of `distill` and the run folder; read the pictures."""
    own, run_options = divide(settings, DistillOptions, "lmk distill")
    options = DistillOptions(**own)
    opened = open_teachers(teachers, compute)
    found = find_model(start) if start else None
    if found:
        job.check_start(found, opened)
    check_apart(folder, source)
    if compute.first:
        check_place(folder, resume)
    config = {
        **named_source(source),
        "teachers": shlex.join(teachers),
        "start": start,
        "precision": precision,
        **asdict(options),
    }
    report = reporter(compute)
    data = open_unlabelled(source, report)
    training = Run(folder, compute, report, run_options, resume, config, command)
    return Distillation(data, opened, found, options, training)
