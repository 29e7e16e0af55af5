"""Smooth landmarks over time, and hold lost ones for a moment."""

from __future__ import annotations

import numpy as np

from lmk.arrays import FloatArray
from lmk.video.filters.base import Smoothing
from lmk.video.filters.catalogue import new_filter


class Smoother:
    """Holds and filters the landmarks of one object over time.

    Raises UsageError for a filter that does not exist.
    """

    def __init__(self, options: Smoothing) -> None:
        self._options, self._filter = options, new_filter(options)
        self._in_crop: FloatArray | None = None
        self._seen_s: FloatArray | None = None

    def __call__(
        self, time_s: float, xy_image: FloatArray, scores: FloatArray, box_xywh: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Smooth the landmarks of one frame.

        xy_image (K, 2), scores (K,), box (4,) the crop. Returns landmarks (K, 2) in image pixels
        and their opacity (K,): 1 where visible, falling to 0 where held. Times may repeat; a time
        before the last one counts as repeated.
        """
        corner, side = box_xywh[:2], float(box_xywh[2:].max())
        in_crop = (xy_image - corner) / side
        seen = scores >= self._options.low_score
        if self._in_crop is None or self._seen_s is None:
            self._in_crop, self._seen_s = in_crop, np.full(len(scores), -np.inf)
        self._in_crop = np.where(seen[:, None], in_crop, self._in_crop)
        self._seen_s = np.where(seen, time_s, self._seen_s)
        lost_s = np.maximum(time_s - self._seen_s, 0)
        opacity = np.clip(1 - lost_s / self._options.fade_s, 0, 1)
        smooth = self._filter(time_s, corner + side * self._in_crop, side)
        return smooth.astype(np.float32), opacity.astype(np.float32)
