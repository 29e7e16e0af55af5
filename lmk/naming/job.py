"""`name`: give a model named points, from few annotated pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray
from lmk.artifact.catalogue import format_of
from lmk.data.resize import resize_crops
from lmk.evaluation.annotated import EVALUATION_SIZE, AnnotatedSet, load_annotated
from lmk.evaluation.formulas.consistency import consistency, random_turns
from lmk.evaluation.views import turned
from lmk.geometry import resize_xy
from lmk.inference.backends.base import Backend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.model.manifest import MANIFEST, read_manifest
from lmk.model.named_folder import write_named
from lmk.model.points import NamedPoints
from lmk.naming.examples import find_examples, find_landmarks
from lmk.naming.expected import by_picture, expected
from lmk.naming.fit import Fit, fit_points
from lmk.naming.skeleton import parse_skeleton
from lmk.system.errors import DataError, OutputError, UsageError
from lmk.system.files import check_writable
from lmk.system.progress import Reporter
from lmk.system.schema import name_from

OUTSIDE = 0.25  # how far a point may lie beyond the crop, in its sides
# Mean distance between the landmarks of turned pictures and the turned landmarks, in px of a 128 px
# picture. Shipped models have 0.5 to 1.4 on their own categories and 3.8 to 14 on others.
SCATTERED_PX = 2.5
File = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Named:
    """A model with named points, the pictures that they were fitted on, and the fit."""

    model: Model
    data: AnnotatedSet
    fit: Fit

    @property
    def errors_px(self) -> FloatArray:
        """`Fit.errors_px` (N, P) in pixels of the evaluation picture."""
        scale = EVALUATION_SIZE / self.model.architecture.input_size
        return np.asarray(scale * self.fit.errors_px, np.float32)


def name(
    model: File,
    data: File,
    folder: File,
    *,
    names: Sequence[str] = (),
    skeleton: str = "",
    search: bool = False,
    report: Reporter | None = None,
) -> Named:
    """Fit the points of annotated pictures to a model's landmarks, and write the named model.

    model: a shipped model's name, a run folder or a .adapter file. data: a COCO keypoint file, as
    `lmk annotate` writes it; points may be missing in some pictures. folder: for the new model.
    names: some of the file's points, in the order of the result; by default all. skeleton: points
    that are joined when they are drawn, such as "left_eye-nose,right_eye-nose". search: also
    search for points in the network's features, which takes about 0.1 ms of 2.

        named = lmk.name("runs/mugs", "few.json", "runs/mugs-named")
        named.model.points.names, named.errors_px

    Raises UsageError, DataError, WeightsError, OutputError, and UnavailableError without a runtime.
    """
    report = report or Reporter()
    if format_of(os.fspath(model)):
        raise UsageError(
            f"{model} is an exported file: give the model folder or .adapter file that it was made "
            "of, and export the named model"
        )
    found = find_model(os.fspath(model))
    _check_place(Path(folder))
    annotated = _chosen(load_annotated(Path(data), report, only_annotated=True), names)
    points = NamedPoints(tuple(annotated.names), parse_skeleton(skeleton, annotated.names))
    framing = found.manifest.framing
    if framing is None:
        raise UsageError(
            f"{found.manifest.name} has no framing, which needs at least two landmarks at "
            "different places: train it again, or choose another model"
        )
    backend = open_backend(os.fspath(model), saved=False)
    _warn_of_scattered(found.manifest.name, backend, annotated, report)
    examples = find_examples(backend, found, annotated, search)
    mean = np.array(framing.landmarks_input, np.float32)
    fit = fit_points(examples, mean, search=search)
    error_px = expected(by_picture(fit.errors_px)).mean
    facts = {
        "pictures": len(annotated.images),
        "data_sha256": annotated.sha256,
        "expected_px": round(error_px, 3) if np.isfinite(error_px) else None,
        "ridge_weights": fit.weights,
        "blend": fit.blend,
        "search": fit.search and fit.search._asdict(),
    }
    own_name = name_from(Path(folder).resolve().name)
    written = write_named(found, points, fit.point_map, Path(folder), own_name, facts)
    return Named(written, annotated, fit)


def _check_place(folder: Path) -> None:
    """Raise OutputError unless a folder is new, empty or that of a model with named points."""
    check_writable(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / MANIFEST).is_file() or read_manifest(folder).points is None:
        raise OutputError(
            f"{folder} already exists, and is not a model with named points: choose another folder"
        )


def _chosen(data: AnnotatedSet, names: Sequence[str]) -> AnnotatedSet:
    """The pictures that have any of the chosen points, and only these points; checked."""
    if unknown := [name for name in names if name not in data.names]:
        raise UsageError(
            f"{data.file} has no points {', '.join(unknown)}, only "
            f"{', '.join(data.names) or 'none'}"
        )
    if len(set(names)) < len(names):
        raise UsageError(f"--names {','.join(names)}: expected each name once")
    chosen = [data.names.index(name) for name in names or data.names]
    data = replace(data, names=[data.names[k] for k in chosen], xy_input=data.xy_input[:, chosen])
    data = data.only(np.flatnonzero(data.labelled.any(axis=1)))
    if not len(data.images):
        raise DataError(f"{data.file} has no picture with an annotated point: annotate some first")
    if missing := [data.names[k] for k in np.flatnonzero(~data.labelled.any(axis=0))]:
        raise DataError(
            f"{data.file} has no picture with the point {', '.join(missing)}: annotate it in one, "
            "or choose the others with --names"
        )
    _check_inside(data)
    return data


def _check_inside(data: AnnotatedSet) -> None:
    """Raise DataError for a point that the crop does not show, and that is not near it."""
    side, far = EVALUATION_SIZE, OUTSIDE * EVALUATION_SIZE
    beyond = np.abs(data.xy_input - (side - 1) / 2).max(axis=2) > side / 2 + far
    if beyond.any():
        picture, point = np.argwhere(beyond)[0]
        raise DataError(
            f"{data.file}: {data.names[point]} of {data.paths[picture].name} lies outside the "
            "centred square of its picture, which is what the model sees: mend the point, or cut "
            "the pictures around their objects with  lmk data crop"
        )


def _warn_of_scattered(name: str, backend: Backend, data: AnnotatedSet, report: Reporter) -> None:
    count, scale = len(data.images), EVALUATION_SIZE / backend.input_size
    views = data.images, turned(count, 0).change(data.images, range(count))
    found, found_turned = (
        resize_xy(find_landmarks(backend, resize_crops(view, backend.input_size)), scale)
        for view in views
    )
    apart_px = consistency(found, found_turned, random_turns(count, 0)).average
    if apart_px > SCATTERED_PX:
        report.warn(
            f"the landmarks of {name} move by {apart_px:.1f} px when a picture of "
            f"{EVALUATION_SIZE} px is turned, more than {SCATTERED_PX:g}: are these pictures of "
            "its category, each filled by its object?"
        )
