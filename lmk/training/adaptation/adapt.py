"""An adaptation in one call, as `lmk train` does it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lmk.data.source import UnlabelledSet, open_unlabelled
from lmk.model.folder import Model, find_model
from lmk.training.adaptation import job
from lmk.training.adaptation.job import make_learner
from lmk.training.adaptation.plan import make_plan
from lmk.training.checkpoint import check_apart, check_place
from lmk.training.config_file import named_source
from lmk.training.device import Compute, reporter, select_compute
from lmk.training.loop import Run, reserve
from lmk.training.options import AdaptOptions, Preset, RunOptions, divide
from lmk.training.options import preset as preset_options

Settings = dict[str, Any]


def adapt(
    images: str | os.PathLike[str],
    output: str | os.PathLike[str],
    core: str | None = "core-pose",
    *,
    preset: Preset = "fast",
    perceptual_weights: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
    compiled: bool = False,
    resume: bool = False,
    command: str | None = None,
    **settings: Any,
) -> Model:
    """Adapt a core to pictures of a new category, without annotated points, as `lmk train` does.

    images: a folder of photographs, a packed set, or a COCO file, from which only the file names
    are used. output: the run folder, which becomes the model. core: a shipped model's name or a run
    folder. settings: options of `lmk train` by their names, such as steps=600, keypoints=16 or
    max_minutes=10; others have the values of the preset. command: the command line, for the
    manifest.

        model = lmk.adapt("photos/mugs", "runs/mugs", keypoints=8, max_minutes=10)
        landmarks = lmk.Landmarker(model.folder)(image)

    Returns the model. Raises UsageError, DataError, WeightsError, TrainingError, OutputError, and
    UnavailableError for a device that is not on this machine.
    """
    return prepare(
        Path(images),
        Path(output),
        core,
        preset=preset,
        perceptual_weights=Path(perceptual_weights) if perceptual_weights else None,
        compute=select_compute(device, precision, compiled),
        precision=precision,
        resume=resume,
        command=command,
        settings=settings,
    ).run()


@dataclass(frozen=True)
class Adaptation:
    """A training that is ready to start: all inputs are found, read and checked."""

    data: UnlabelledSet
    core: Model | None
    options: AdaptOptions
    perceptual_weights: Path | None
    training: Run

    def plan(self) -> str:
        """Describe the training, its time and memory, from a few steps that are not kept."""
        compute = self.training.compute
        options = replace(self.options, mirror=False)  # a mirrored view costs what any other does
        learner = make_learner(self.data, self.core, options, compute, self.perceptual_weights)
        return make_plan(learner)

    def run(self) -> Model:
        """Train to the end, or until the run is stopped."""
        with reserve(self.training):
            return job.adapt(
                self.data, self.core, self.options, self.training, self.perceptual_weights
            )


def prepare(
    source: Path,
    folder: Path,
    core: str | None,
    *,
    preset: Preset,
    perceptual_weights: Path | None,
    compute: Compute,
    precision: str,
    resume: bool,
    command: str | None,
    settings: Settings,
    writes: bool = True,
) -> Adaptation:
    """Check the arguments of `adapt`, and the run folder if `writes` is set; read the pictures."""
    options, run_options = resolve(preset, settings)
    found = find_model(core) if options.needs_core and core else None
    job.check_core(found, options, perceptual_weights)
    check_apart(folder, source)
    if compute.first and writes:
        check_place(folder, resume)
    report = reporter(compute)
    config = {
        **named_source(source),
        "core": core,
        "perceptual_weights": perceptual_weights and str(perceptual_weights),
        "preset": preset,
        "precision": precision,
        **asdict(options),
    }
    training = Run(folder, compute, report, run_options, resume, config, command)
    data = open_unlabelled(source, report)
    return Adaptation(data, found, options, perceptual_weights, training)


def resolve(preset: Preset, settings: Settings) -> tuple[AdaptOptions, RunOptions]:
    """Make the options of a preset with other settings. Raises UsageError for an unknown name."""
    changed, run = divide(settings, AdaptOptions, "lmk train")
    base = preset_options(preset, settings.get("method", AdaptOptions.method))
    return replace(base, **changed), run
