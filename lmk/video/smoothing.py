"""Smooth landmarks over time, and hold lost ones for a moment."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from lmk.arrays import DoubleArray, FloatArray
from lmk.geometry import apply_affine, input_to_image_of, invert_affine
from lmk.video.filters.base import Smoothing, carried
from lmk.video.filters.catalogue import new_filter


class Smoother:
    """Holds and filters the landmarks of the objects of one source over time.

    Raises UsageError for a filter that does not exist.
    """

    def __init__(self, options: Smoothing) -> None:
        self._options, self._filter = options, new_filter(options)
        self._objects: Sequence[Hashable] = []
        self._in_crop: FloatArray = np.empty((0, 1, 1), np.float32)
        self._seen_s: DoubleArray = np.empty((0, 1))

    def __call__(
        self,
        time_s: float,
        objects: Sequence[Hashable],
        xy_image: FloatArray,
        scores: FloatArray,
        boxes: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Smooth the landmarks of one frame.

        objects: N keys; one that was not in the last frame is of a new object. xy_image (N, K, 2),
        scores (N, K), boxes (N, 5) the crops. Returns landmarks (N, K, 2) in image pixels and their
        opacity (N, K): 1 where visible, falling to 0 where held. Times may repeat; a time before
        the last one counts as repeated.
        """
        crop_to_image = input_to_image_of(boxes, 1)
        in_crop = apply_affine(invert_affine(crop_to_image), xy_image)
        if objects != self._objects:
            self._follow(objects, xy_image, in_crop)
        seen = scores >= self._options.low_score
        self._in_crop = np.where(seen[..., None], in_crop, self._in_crop)
        self._seen_s = np.where(seen, time_s, self._seen_s)
        lost_s = np.maximum(time_s - self._seen_s, 0)
        opacity = np.maximum(1 - lost_s / self._options.fade_s, 0)
        side_px = boxes[:, None, 2:4].max(2, keepdims=True)
        smooth = self._filter(time_s, apply_affine(crop_to_image, self._in_crop), side_px)
        return smooth, opacity.astype(np.float32)

    def _follow(
        self, objects: Sequence[Hashable], xy_image: FloatArray, in_crop: FloatArray
    ) -> None:
        """Keep what is known of these objects, and forget the others."""
        last = {key: row for row, key in enumerate(self._objects)}
        rows = np.array([last.get(key, -1) for key in objects], np.intp)
        self._in_crop = carried(self._in_crop, rows, in_crop)
        self._seen_s = carried(self._seen_s, rows, np.full(in_crop.shape[:2], -np.inf))
        self._filter.follow(rows, xy_image)
        self._objects = list(objects)
