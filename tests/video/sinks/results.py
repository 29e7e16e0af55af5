"""Results whose content is known, as sinks get them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np

from lmk.model.points import NO_POINTS, NamedPoints
from lmk.video.result import Objects, Result
from lmk.video.sinks.base import Sink
from lmk.video.sources.base import Frame


def no_places(objects: int) -> tuple[np.ndarray, np.ndarray, NamedPoints]:
    """The last fields of `Objects` for a model without named points."""
    return np.empty((objects, 0, 2), np.float32), np.empty((objects, 0), np.float32), NO_POINTS


def found(model: str = "dots", first_id: int = 7) -> Objects:
    """Two objects of two landmarks; the first is turned, and the last landmark is held."""
    boxes = np.array([[1.5, 2, 30, 40], [5, 6, 7, 8]], np.float32)
    xy = np.array([[[10.12345, 20.5], [3, 4]], [[5.25, 6], [-7, 8.0004]]], np.float32)
    scores = np.array([[0.91234, 0.5], [0.1, 0.25]], np.float32)
    opacity = np.array([[1, 1], [1, 0.4]], np.float32)
    confidence = np.array([0.98765, np.nan], np.float32)
    ids, angles = np.array([first_id, first_id + 1]), np.array([-31.23, 0], np.float32)
    found = model, ids, boxes, angles, xy, scores, opacity, confidence
    return Objects(*found, *no_places(2))


def named(model: str = "feet", first_id: int = 7) -> Objects:
    """The objects of `found` with three named points; the second one's are lost and held."""
    points = np.array([[[1.5, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12.12345]]], np.float32)
    opacity = np.array([[1, 1, 1], [1, 0, 0.4]], np.float32)
    names = NamedPoints(("left_pupil", "right_pupil", "tip"), ((0, 2), (1, 2)))
    return replace(found(model, first_id), points=points, points_opacity=opacity, named=names)


def picture(level: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), level, np.uint8)


def noise(index: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A grey picture that no codec makes small."""
    shape = (size_wh[1], size_wh[0], 1)
    return np.random.default_rng(index).integers(0, 256, shape, dtype=np.uint8).repeat(3, 2)


def result(
    index: int,
    time_s: float,
    image: np.ndarray | None = None,
    name: str = "",
    source: str = "clip",
    objects: tuple[Objects, ...] | None = None,
) -> Result:
    image = picture(1) if image is None else image
    objects = (found(),) if objects is None else objects
    return Result(Frame(index, time_s, image, name), source, objects, image)


def write_all(opened: AbstractContextManager[Sink], results: Iterable[Result]) -> None:
    with opened as sink:
        for one in results:
            sink.write(one)
