"""A model under evaluation: its landmarks on many images, computed once and cached."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray, Images
from lmk.artifact.catalogue import files_of, format_of
from lmk.data.resize import resize_crops
from lmk.evaluation.views import UNCHANGED, View
from lmk.geometry import resize_xy
from lmk.inference.backends.base import Backend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import find_model
from lmk.system.cache import Entry, key_of
from lmk.system.errors import UsageError, WeightsError
from lmk.system.files import sha256_of
from lmk.system.progress import Bar, Reporter
from lmk.system.version import __version__

BATCH = 16  # more is not faster: a single image keeps two cores busy
CHUNK = 512  # images per kept file, some 20 s of work on 2 cores


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """A model in a runtime, and what identifies it.

    name: in results. given: the model as the user wrote it. sha256: of weights and softargmax, or
    of an exported file. landmark_names: of a core's landmarks, None without names. mirrored: the
    mirror partners of its landmarks, None where they are not known.
    """

    name: str
    given: str
    sha256: str
    backend: Backend
    landmark_names: list[str] | None = None
    mirrored: list[int] | None = None

    def find(self, images: Images, report: Reporter, view: View = UNCHANGED) -> FloatArray:
        """Landmarks float32 (N, K, 2) in pixels of images (N, S, S, 3), in a view of them.

        Images are resized to the network's input, and its landmarks back. What is found stays in
        the user's cache, chunk by chunk, by the hashes of model, images, runtime and view: an
        interrupted run continues where it stopped. Raises WeightsError when the network returns
        NaN, and OutputError.
        """
        return self._find(images, report, view)[:, : self.backend.num_landmarks]

    def find_points(self, images: Images, report: Reporter) -> FloatArray:
        """Named points float32 (N, P, 2), as `find`, in the same inference."""
        return self._find(images, report, UNCHANGED)[:, self.backend.num_landmarks :]

    def _find(self, images: Images, report: Reporter, view: View) -> FloatArray:
        """Landmarks, then named points (N, K + P, 2)."""
        chunks = [
            range(start, min(start + CHUNK, len(images))) for start in range(0, len(images), CHUNK)
        ]
        entries = [self._entry(images, chunk, view) for chunk in chunks]
        known = [self._known(*one) for one in zip(entries, chunks, strict=True)]
        missing = [i for i, found in enumerate(known) if found is None]
        if missing:
            total = sum(len(chunks[i]) for i in missing)
            with report.bar(f"{self.name}, {view.description}", total) as bar:
                for i in missing:
                    found = known[i] = self._infer(images, chunks[i], view, bar)
                    entries[i].add(_in_file(found))
        return np.concatenate([found for found in known if found is not None])

    def _entry(self, images: Images, chunk: range, view: View) -> Entry:
        """The place of a chunk's landmarks, by everything that they depend on."""
        pictures = hashlib.sha256(images[chunk.start : chunk.stop].tobytes())
        parts = (
            pictures.hexdigest(),
            __version__,  # another version may make views differently
            self.sha256,
            self.backend.description,
            view.description,
            str(chunk.start),
        )
        return Entry("landmarks", key_of("\n".join(parts)), ".npy")

    def _known(self, entry: Entry, chunk: range) -> FloatArray | None:
        path = entry.find()
        if path is None:
            return None
        found: FloatArray = np.load(path, allow_pickle=False)
        count = self.backend.num_landmarks + len(self.backend.points)
        return found if found.shape == (len(chunk), count, 2) else None

    def _infer(self, images: Images, chunk: range, view: View, bar: Bar) -> FloatArray:
        parts = []
        for start in range(chunk.start, chunk.stop, BATCH):
            index = range(start, min(start + BATCH, chunk.stop))
            batch = view.change(images[start : index.stop], index)
            seen = resize_crops(batch, self.backend.input_size)
            xy_input = self.backend.infer(seen).places
            parts.append(resize_xy(xy_input, batch.shape[1] / seen.shape[1]))
            bar.advance(len(batch))
        found = np.concatenate(parts)
        if not np.isfinite(found).all():
            raise WeightsError(
                f"{self.name} returned NaN or infinite places on {self.backend.description}: "
                "its weights are broken. Train or export it again"
            )
        return found


def open_models(models: Sequence[str], runtime: str, device: str | None) -> list[EvaluatedModel]:
    """Open models, each named by the last part of its path if no other has the same name.

    Raises what `open_backend` raises, and UsageError for a repeated model.
    """
    if len(set(models)) < len(models):
        raise UsageError("a model is given twice: give each model once")
    opened = [open_model(model, runtime, device) for model in models]
    if len({model.name for model in opened}) == len(opened):
        return opened
    return [replace(model, name=model.given) for model in opened]


def open_model(model: str, runtime: str, device: str | None) -> EvaluatedModel:
    """Open a model, a packed adapter or an exported file. Raises what `open_backend` raises."""
    # Figures must not depend on what was fastest here.
    backend = open_backend(model, runtime, device, saved=False)
    path = Path(model)
    if format_of(path):
        sha256 = sha256_of(*files_of(path))
        return EvaluatedModel(path.absolute().name, model, sha256, backend)
    found = find_model(model)
    name, manifest = path.absolute().name, found.manifest
    return EvaluatedModel(
        name, model, found.sha256, backend, manifest.landmark_names, manifest.mirrored
    )


def _in_file(landmarks: FloatArray) -> bytes:
    file = io.BytesIO()
    np.save(file, landmarks)
    return file.getvalue()
