"""A complete distillation, from unlabelled crops and teachers to a run folder that is a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from lmk.architectures.catalogue import find_architecture
from lmk.architectures.network import LandmarkNetwork
from lmk.artifact.catalogue import files_of, format_of
from lmk.data.packed import Crops
from lmk.data.resize import spread_crops
from lmk.data.source import UnlabelledSet
from lmk.inference.backends.base import Backend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.networks.load import load_network
from lmk.system.errors import DataError, OutputError, UsageError
from lmk.system.files import sha256_of
from lmk.system.progress import Reporter
from lmk.training.adaptation.methods import count_learnable
from lmk.training.adaptation.mirror import PICTURE_PX
from lmk.training.checkpoint import Progress, check_settings
from lmk.training.device import Compute
from lmk.training.distillation.health import (
    CHECKED_CROPS,
    check_agreement,
    check_labels,
    check_scatter,
)
from lmk.training.distillation.labels import (
    Labels,
    cache_labels,
    cached_labels,
    label,
    labels_place,
)
from lmk.training.distillation.learner import DistillLearner, split
from lmk.training.job import run_job, training_record
from lmk.training.loop import Run, Schedule
from lmk.training.options import DistillOptions
from lmk.training.save import learn_to_find, measured_framing, save_model


@dataclass(frozen=True)
class Teacher:
    """A model to learn from: how the user named it, its content hash, and the open model."""

    name: str
    sha256: str
    backend: Backend


def open_teachers(names: Sequence[str], compute: Compute) -> list[Teacher]:
    """Open models that `Landmarker` runs, in float32.

    Raises UsageError for teachers with different numbers of landmarks, WeightsError,
    UnavailableError.
    """
    if not names:
        raise UsageError("expected at least one teacher")
    teachers = [_open(name, compute) for name in names]
    counts = {teacher.name: teacher.backend.num_landmarks for teacher in teachers}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise UsageError(
            f"expected teachers with the same landmarks, got {found}: choose teachers with the "
            "same landmarks in the same order"
        )
    return teachers


def distill(
    data: UnlabelledSet,
    teachers: Sequence[Teacher],
    options: DistillOptions,
    run: Run,
    start: Model | None = None,
) -> Model:
    """Train a student on what the teachers find in crops, and write it into its run folder.

    start: the model that goes on learning; None for a new student. Raises UsageError, DataError,
    WeightsError, TrainingError, OutputError.
    """
    check_count(data.crops, options)
    if start:  # part of what it has learned
        options = replace(options, beta=start.manifest.softargmax_beta)
    settings = {
        "task": "distill",
        "teachers": [teacher.sha256 for teacher in teachers],
        "images": data.sha256,
        **({"start": start.sha256} if start else {}),
        **asdict(options),
    }
    if run.resume:
        check_settings(run.folder, settings)
    labels = find_labels(data, teachers, options, run)
    check_labels(labels, data.crops, run.report)
    learner = make_learner(data.crops, labels, options, run.compute, start)
    learnable, frozen = count_learnable(learner.network)
    run.report.say(
        f"{learner.architecture.name}: {learnable:,} parameters learnable, {frozen:,} frozen; "
        f"{len(learner.trained_on):,} images, {len(learner.held_out):,} held out; "
        f"{run.compute.describe()}"
    )
    known = teachers[0].backend.framing
    origin = {"teachers": [{"name": each.name, "sha256": each.sha256} for each in teachers]}

    def save(folder: Path, done: Progress) -> Model:
        manifest = {
            "softargmax_beta": options.beta,
            "framing": measured_framing(learner.network, options.beta, data.crops, known),
            "mirrored": labels.partner or (start.manifest.mirrored if start else None),
            "training": training_record(done, settings, run) | origin,
        }
        core = start.core() if start and start.manifest.core else None
        return save_model(folder, learner.network, core, manifest)

    model = run_job(learner, Schedule(options.steps, options.warm_up), settings, run, save)
    if run.compute.first:
        seen, count = learner.observe(), len(learner.held_out)
        run.report.say(
            f"{seen.figures['teacher_px']:.2f} px from the teacher on held-out pictures of "
            f"{PICTURE_PX} px, of which there are {count}"
        )
        for warning in seen.warnings.values():
            run.report.warn(warning)
        limited = run.options.max_minutes is not None
        learn_to_find(model, data.crops, run.compute.device.type, run.report, limited)
    run.compute.wait()
    return find_model(str(run.folder))


def make_learner(
    crops: Crops,
    labels: Labels,
    options: DistillOptions,
    compute: Compute,
    start: Model | None = None,
) -> DistillLearner:
    """Make the student and what trains it."""
    torch.manual_seed(options.seed)
    student = start_student(options, labels.xy.shape[1], start)
    return DistillLearner(crops, labels, student, options, compute)


def start_student(
    options: DistillOptions, num_landmarks: int, start: Model | None
) -> LandmarkNetwork:
    """Make a new student, or take one that goes on learning; of an adapter, only what it adapts."""
    if start is None:
        return find_architecture(f"student-{options.size}").make(num_landmarks)
    return load_network(start, folded=False)[0]


def find_labels(
    data: UnlabelledSet, teachers: Sequence[Teacher], options: DistillOptions, run: Run
) -> Labels:
    """Label the crops, or read the labels of the same crops and teachers from the cache.

    Raises DataError before it labels, when landmarks differ too much between views of a sample.
    """
    hashes = [teacher.sha256 for teacher in teachers]
    place = labels_place(data.sha256, hashes, options.views, options.mirror, options.seed)
    backends = [teacher.backend for teacher in teachers]
    known = cached_labels(place, len(data.crops), backends[0].num_landmarks)
    if known is None and run.compute.first:
        check_teachers(backends, spread_crops(data.crops, CHECKED_CROPS), run.report)
        known = label(data.crops, backends, options.views, options.mirror, options.seed, run.report)
        try:
            cache_labels(place, known)
        except OutputError as error:
            run.report.warn(f"{error}. The labels are not kept for other trainings")
    shared = run.compute.agree(known)
    assert shared is not None  # the first process has them
    return shared


def check_teachers(teachers: Sequence[Backend], crops: Crops, report: Reporter) -> None:
    """Check that each teacher is steady over views of a few crops, and that all agree.

    Raises DataError.
    """
    for teacher in teachers:
        spread = label(crops, [teacher], 2, False, 0, Reporter()).spread
        check_scatter(float(spread.mean()), report)
    if len(teachers) > 1:
        check_agreement(float(label(crops, teachers, 1, False, 0, Reporter()).spread.mean()))


def check_start(start: Model, teachers: Sequence[Teacher]) -> None:
    """Raise UsageError unless a model has the teachers' landmarks, as far as their number tells."""
    found, expected = start.manifest.num_landmarks, teachers[0].backend.num_landmarks
    if found != expected:
        raise UsageError(
            f"expected a model to start from with the teacher's {expected} landmarks, and "
            f"{start.manifest.name} has {found}: choose another, or leave out --start for a new "
            "student"
        )


def check_count(crops: Crops, options: DistillOptions) -> None:
    """Raise DataError for fewer pictures than a batch."""
    count = len(split(len(crops))[1])
    if count < options.batch_size:
        raise DataError(
            f"expected at least a batch of {options.batch_size} pictures, got {count}, beside "
            f"those held out: lower --batch-size, or add pictures"
        )


def _open(name: str, compute: Compute) -> Teacher:
    file = format_of(name) is not None
    device = compute.device.type
    runtime = "torch" if device == "cuda" and not file else "auto"
    backend = open_backend(name, runtime, device, saved=False)
    sha256 = sha256_of(*files_of(Path(name))) if file else find_model(name).sha256
    return Teacher(name, sha256, backend)
