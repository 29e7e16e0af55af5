"""A model that helps to annotate: it says which picture is next, and where its points may be."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmk.annotating.order import next_picture, shapes
from lmk.annotating.points_file import Mark
from lmk.arrays import FloatArray, Images, Points
from lmk.data.images import load_crops
from lmk.data.resize import resize_crops
from lmk.evaluation.annotated import EVALUATION_SIZE, AnnotatedSet
from lmk.geometry import apply_affine, invert_affine, resize_xy
from lmk.inference.backends.select import open_backend
from lmk.model.folder import find_model
from lmk.naming.examples import find_examples
from lmk.naming.expected import Expected, by_picture, expected
from lmk.naming.fit import Fit, fit_points
from lmk.system.errors import LmkError, UsageError
from lmk.system.progress import Reporter

PREDICT_FROM = 2  # annotated pictures: the third begins with a prediction
BATCH = 16


@dataclass(frozen=True, eq=False)
class _Seen:
    """What the model finds in the pictures that can be read.

    row: of each picture, by its number. images (M, 128, 128, 3); to_crop (M, 2, 3): from pixels of
    a picture to those of its image; described (M, D) and scores (M,): see `next_picture`.
    """

    row: Mapping[int, int]
    images: Images
    to_crop: FloatArray
    xy_input: FloatArray
    described: FloatArray
    scores: FloatArray


class Guide:
    """Looks at all pictures, and fits the points of the annotated ones, in a thread of its own.

    Until it has looked, pictures are asked for in the order of their names. Raises UsageError for
    a model without framing, and what `find_model` and `open_backend` raise.
    """

    def __init__(
        self, model: str, names: Sequence[str], pictures: Sequence[Path], report: Reporter
    ) -> None:
        self._model, self._backend = find_model(model), open_backend(model, saved=False)
        framing = self._model.manifest.framing
        if framing is None:
            raise UsageError(
                f"{model} has no framing, which needs at least two landmarks at different places: "
                "train it again, choose another model, or annotate without one"
            )
        self._mean: FloatArray = np.array(framing.landmarks_input, np.float32)
        self._names, self._pictures, self._report = list(names), pictures, report
        self._seen: _Seen | None = None
        self._fit: Fit | None = None
        self._wanted: Mapping[int, Sequence[Mark]] | None = None
        self._changed = threading.Condition()
        self._closed = False
        self.failure = ""
        self._thread = threading.Thread(target=self._work, daemon=True, name="guide")
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether it has looked at all pictures."""
        return self._seen is not None

    @property
    def expected(self) -> Expected | None:
        """The error to expect on other pictures, in % of the crop's side; None if unknown."""
        fit = self._fit
        if fit is None:
            return None
        return expected(100 * by_picture(fit.errors_px) / self._backend.input_size)

    def update(self, annotated: Mapping[int, Sequence[Mark]]) -> None:
        """Say which pictures are annotated, by number; the fit follows soon."""
        with self._changed:
            self._wanted = dict(annotated)
            self._changed.notify()

    def next(self, done: Collection[int], left: Collection[int]) -> int | None:
        """The number of the picture that adds most; None if none is left."""
        seen = self._seen
        if seen is None:
            return min(left, default=None)
        rows = {row: number for number, row in seen.row.items()}
        chosen = next_picture(
            seen.described,
            seen.scores,
            [seen.row[number] for number in done if number in seen.row],
            [seen.row[number] for number in left if number in seen.row],
        )
        return min(left, default=None) if chosen is None else rows[chosen]

    def predict(self, number: int) -> Points | None:
        """Where the points (P, 2) of a picture may be, in its pixels; None if unknown."""
        fit, seen = self._fit, self._seen
        if fit is None or seen is None or number not in seen.row:
            return None
        row = seen.row[number]
        xy_input = fit.point_map(seen.xy_input[row : row + 1])[0]
        xy_crop = resize_xy(xy_input, EVALUATION_SIZE / self._backend.input_size)
        return np.asarray(apply_affine(invert_affine(seen.to_crop[row]), xy_crop))

    def close(self) -> None:
        """End the thread after its current work."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        try:
            self._seen = self._look()
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or self._wanted is not None)
                    if self._closed:
                        return
                    wanted, self._wanted = self._wanted or {}, None
                self._fit = self._fitted(wanted)
        except LmkError as error:  # points can be placed without a guide
            self.failure = str(error)
            self._report.warn(f"annotating goes on without the model: {error}")

    def _look(self) -> _Seen:
        loaded = load_crops(self._pictures, self._report, EVALUATION_SIZE)
        inputs = resize_crops(loaded.crops, self._backend.input_size)
        xy, scores = [], []
        with self._report.bar("finding landmarks", len(inputs)) as bar:
            for start in range(0, len(inputs), BATCH):
                found = self._backend.infer(inputs[start : start + BATCH])
                xy.append(found.landmarks.copy())
                scores.append(found.scores.mean(1))
                bar.advance(len(found.scores))
        places = np.concatenate(xy)
        return _Seen(
            {int(number): row for row, number in enumerate(loaded.kept)},
            loaded.crops,
            loaded.matrices,
            places,
            shapes(places, self._mean),
            np.concatenate(scores),
        )

    def _fitted(self, annotated: Mapping[int, Sequence[Mark]]) -> Fit | None:
        seen = self._seen
        assert seen is not None
        known = {n: marks for n, marks in annotated.items() if n in seen.row}
        if len(known) < PREDICT_FROM:
            return None
        rows = [seen.row[number] for number in known]
        unknown = (np.nan, np.nan)
        xy_image = np.array(
            [[m if isinstance(m, tuple) else unknown for m in known[number]] for number in known]
        )
        if not np.isfinite(xy_image).any(axis=(0, 2)).all():
            return None  # a point that no picture has yet
        data = AnnotatedSet(
            name="",
            file=Path(),
            paths=[self._pictures[number] for number in known],
            images=seen.images[rows],
            xy_input=apply_affine(seen.to_crop[rows], xy_image).astype(np.float32),
            names=self._names,
            diagonal_px=np.full(len(rows), np.nan, np.float32),
            sha256="",
        )
        return fit_points(find_examples(self._backend, self._model, data), self._mean)
