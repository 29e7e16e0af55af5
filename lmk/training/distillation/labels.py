"""What the teachers find in every picture: the labels that a student learns."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lmk.arrays import DoubleArray, FloatArray
from lmk.data.batch import step_generator, to_float
from lmk.data.packed import Crops
from lmk.data.resize import resize_crops, spread_crops
from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.geometry import apply_affine
from lmk.inference.backends.base import Backend
from lmk.inference.backends.batches import in_batches
from lmk.system.cache import Entry, key_of
from lmk.system.errors import WeightsError
from lmk.system.progress import Reporter
from lmk.training.adaptation.involution import best_involution, mirror_distances
from lmk.training.adaptation.mirror import LIMIT_PX, PICTURE_PX

VIEW_RANGES = SimilarityRange(degrees=12.0, zoom=0.15, shift=0.06)
CHUNK = 64  # crops per call of a teacher
SEARCH_CROPS = 512
KEPT = 8  # files in the cache


@dataclass(frozen=True)
class Labels:
    """Landmarks of N crops, averaged over random views and over teachers.

    xy float32 (N, K, 2) in crop pixels. spread float32 (N, K): standard deviation of what was
    found in the views about xy, in px of a 128 px picture. partner: the mirror partners:
    landmark i of a crop is landmark partner[i] of the mirrored crop; None where none fit, or where
    none were searched for. partner_px: how well they fit, in px of a 128 px picture, NaN where none
    were searched for.
    """

    xy: FloatArray
    spread: FloatArray
    partner: list[int] | None
    partner_px: float


def label(
    crops: Crops, teachers: Sequence[Backend], views: int, mirror: bool, seed: int, report: Reporter
) -> Labels:
    """Find landmarks in random views of every crop and average them, carried back.

    With `mirror`, every second view is mirrored, if mirror partners of the landmarks fit.
    A single view is the crop itself. Raises WeightsError for landmarks that are NaN.
    """
    count = len(crops)
    with report.bar("finding the teacher's landmarks", count * views * len(teachers)) as bar:
        partner, partner_px = _partners(crops, teachers[0]) if mirror else (None, float("nan"))
        total = np.zeros((count, teachers[0].num_landmarks, 2))
        squares = np.zeros(total.shape[:2])
        origin: DoubleArray | None = None  # of the sums, so that squares stay small
        for view in range(views):
            mirrored = partner is not None and view % 2 == 1
            for teacher in teachers:
                to_crop = _view(crops, teacher.input_size, view, views, mirrored, seed)
                xy = _find(teacher, crops, to_crop, bar.advance)
                xy = xy[:, partner] if mirrored else xy
                origin = xy if origin is None else origin
                total += xy - origin
                squares += np.square(xy - origin).sum(-1)
    samples = views * len(teachers)
    mean = total / samples
    variance = (squares - samples * np.square(mean).sum(-1)) / max(samples - 1, 1)
    spread = np.sqrt(variance.clip(0)) * (PICTURE_PX / crops.shape[1])
    assert origin is not None
    return Labels(
        (origin + mean).astype(np.float32), spread.astype(np.float32), partner, partner_px
    )


def cached_labels(place: Entry, count: int, num_landmarks: int) -> Labels | None:
    """Read the labels of N crops from the cache; None where there are none of such a shape."""
    path = place.find()
    if path is None:
        return None
    with np.load(path, allow_pickle=False) as arrays:
        partner = arrays["partner"].tolist() or None
        labels = Labels(arrays["xy"], arrays["spread"], partner, float(arrays["partner_px"]))
    shape = (count, num_landmarks)
    return labels if labels.xy.shape == (*shape, 2) and labels.spread.shape == shape else None


def cache_labels(place: Entry, labels: Labels) -> None:
    """Write labels into the cache. Raises OutputError."""
    file = io.BytesIO()
    partner = np.array(labels.partner or [], np.int64)
    np.savez(
        file, xy=labels.xy, spread=labels.spread, partner=partner, partner_px=labels.partner_px
    )
    place.add(file.getvalue())


def labels_place(
    images: str, teachers: Sequence[str], views: int, mirror: bool, seed: int
) -> Entry:
    """The place in the cache for crops and teachers of these content hashes."""
    identity = "/".join([images, *teachers, str(views), str(mirror), str(seed), str(VIEW_RANGES)])
    return Entry("labels", key_of(identity), ".npz", KEPT)


def _view(
    crops: Crops, input_size: int, view: int, views: int, mirrored: bool, seed: int
) -> torch.Tensor:
    """Matrices (N, 2, 3) from input to crop pixels."""
    ranges = VIEW_RANGES if views > 1 else SimilarityRange(0, 0, 0)
    random = step_generator(view, seed, torch.device("cpu"))
    flip = torch.full((len(crops),), mirrored)
    return random_similarity(len(crops), ranges, crops.shape[1], input_size, random, flip)


def _find(
    teacher: Backend, crops: Crops, to_crop: torch.Tensor, advance: Callable[[int], None]
) -> DoubleArray:
    """Landmarks (N, K, 2) in crop pixels."""
    # Allocated once: small results that outlive each batch's large ones would fragment the memory.
    found = np.empty((len(crops), teacher.num_landmarks, 2))
    for start in range(0, len(crops), CHUNK):
        rows = slice(start, start + CHUNK)
        images = warp(to_float(crops[rows], to_crop.device), to_crop[rows], teacher.input_size)
        pixels = (images * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        xy = teacher.infer(pixels)[0]
        _check_finite(xy, teacher)
        found[rows] = apply_affine(to_crop[rows].double().numpy(), xy.astype(np.float64))
        advance(len(pixels))
    return found


def _partners(crops: Crops, teacher: Backend) -> tuple[list[int] | None, float]:
    """Search for the mirror partners of a teacher's landmarks."""
    size = teacher.input_size
    images = resize_crops(spread_crops(crops, SEARCH_CROPS), size)
    both = (images, np.ascontiguousarray(images[:, :, ::-1]))
    found = [in_batches(teacher.infer, each, 1, CHUNK)[0] for each in both]
    _check_finite(np.concatenate(found), teacher)
    partner, distance = best_involution(mirror_distances(found[0], found[1], size))
    distance *= PICTURE_PX / size
    return (partner if distance <= LIMIT_PX else None), distance


def _check_finite(xy: npt.NDArray[np.floating[Any]], teacher: Backend) -> None:
    if not np.isfinite(xy).all():
        raise WeightsError(
            f"the teacher returned NaN landmarks on {teacher.description}: its weights are broken. "
            "Train it again, or choose another teacher"
        )
