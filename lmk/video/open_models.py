"""Open the models of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lmk.artifact.catalogue import format_of, stem_of
from lmk.inference.backends.base import Backend
from lmk.inference.backends.select import open_backend
from lmk.inference.regions.choose import choose_region
from lmk.model.folder import find_model, students_of
from lmk.model.framing import Framing
from lmk.model.points import NamedPoints
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter
from lmk.system.signing import PublicKey, read_public_key
from lmk.video.options import TrackOptions
from lmk.video.run_model import RunModel
from lmk.video.tracker import Tracker, Tracking

SAID = 8  # names of points that are said at the start of a run


def open_models(
    models: Sequence[str | os.PathLike[str]],
    options: TrackOptions,
    still: bool,
    report: Reporter | None = None,
) -> list[RunModel]:
    """Load the models of a run.

    models: as for `open_backend`. still: whether the sources are pictures. report: receives the
    runtime of each model. Raises what `open_backend` and `choose_region` raise, and UsageError for
    an empty list, for models with the same name, and for models that cannot be tracked.
    """
    if not models:
        raise UsageError("expected at least one model")
    key = None
    if options.require_signature is not None:
        key = read_public_key(options.require_signature)
    opened = []
    for name, model in model_names([os.fspath(model) for model in models]).items():
        backend = open_backend(model, options.runtime, options.device, signed_by=key)
        opened.append(prepare_model(name, backend, options, still, _landmark_names(model, key)))
        if report:
            report.say(f"{name}: {backend.num_landmarks} landmarks, {backend.description}")
            _say_points(name, backend.points, report)
            _say_centre(name, backend.framing, options, report)
            _say_students(name, model, report, key)
    return opened


def _say_points(name: str, points: NamedPoints, report: Reporter) -> None:
    """Say the first names of a model's points."""
    if points:
        more = f" and {len(points) - SAID} more" if len(points) > SAID else ""
        report.say(f"{name}: named points {', '.join(points.names[:SAID])}{more}")


def _say_centre(
    name: str, framing: Framing | None, options: TrackOptions, report: Reporter
) -> None:
    """Say why a model that could be searched for looks into the centred square."""
    if framing and not (options.region or framing.finder or framing.find_scores):
        report.say(
            f"{name}: in the centred square, because it did not learn how its landmarks score "
            "where there is no object; --region track:landmarks searches the frame"
        )


def _say_students(name: str, model: str, report: Reporter, key: PublicKey | None) -> None:
    """Say which shipped models learned the model's landmarks, and find them in less time."""
    if format_of(model):
        return
    if students := [student.manifest.name for student in students_of(find_model(model, key))]:
        report.say(f"{name}: its students are faster: --model {' or '.join(students)}")


def prepare_model(
    name: str,
    backend: Backend,
    options: TrackOptions,
    still: bool,
    landmark_names: Sequence[str] = (),
) -> RunModel:
    """Give a loaded model what it needs in a run; see `open_models`."""
    finder, follow = choose_region(options.region, backend.framing, still, options.finding)
    tracking = Tracking(follow, options.search_s, options.search_ms)
    smoothing = None if still else options.smoothing

    def new_tracker() -> Tracker:
        return Tracker(name, finder, backend.framing, tracking, smoothing, backend.points)

    new_tracker()  # what cannot be followed is said before the first frame
    return RunModel(name, backend, new_tracker, landmark_names)


def model_names(models: Sequence[str]) -> dict[str, str]:
    """The name of each model in results: that of its folder or file. Raises UsageError."""
    named = {_name(Path(model).absolute()): model for model in models}
    if len(named) < len(models):
        raise UsageError(
            f"expected models with different names, got {', '.join(models)}: results identify "
            "models by name. Rename a folder or file"
        )
    return named


def _name(path: Path) -> str:
    """The name without a file's suffix; names of model folders may contain dots."""
    return path.name if path.is_dir() and not format_of(path) else stem_of(path)


def _landmark_names(model: str, key: PublicKey | None) -> list[str]:
    """Names of a model's landmarks, if its folder has them."""
    return [] if format_of(model) else find_model(model, key).manifest.landmark_names or []
