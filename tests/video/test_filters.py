from __future__ import annotations

import numpy as np
import pytest

from lmk.arrays import FloatArray, Indices
from lmk.inference.regions.base import Finder
from lmk.inference.regions.places import center
from lmk.system.errors import UsageError
from lmk.video.filters.base import Smoothing
from lmk.video.filters.catalogue import FILTERS
from lmk.video.tracker import Tracker, Tracking


class Mean:
    """The mean of all places so far, as a filter of one file."""

    def __init__(self, _: Smoothing) -> None:
        self.places: list[FloatArray] = []

    def follow(self, rows: Indices, xy_image: FloatArray) -> None:
        pass

    def __call__(self, _: float, xy_image: FloatArray, __: FloatArray) -> FloatArray:
        self.places.append(xy_image)
        return np.mean(self.places, axis=0)


def tracker(smoothing: Smoothing) -> Tracker:
    return Tracker("dots", Finder(center, exact=True), None, Tracking(), smoothing)


def test_a_filter_is_one_file_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILTERS, "mean", Mean)
    tracks, frame = tracker(Smoothing(filter="mean")), np.zeros((60, 90, 3), np.uint8)
    for time_s, x, expected in ((0.0, 10, 10), (0.1, 20, 15), (0.2, 60, 30)):
        tracks.crop_boxes(frame, time_s)
        xy, scores = np.float32([[[x, 5], [3, x]]]), np.ones((1, 2), np.float32)
        found = tracks.update(time_s, xy, scores, smooth=True)
        np.testing.assert_allclose(found.xy, [[[expected, 5], [3, expected]]], rtol=1e-6)


def test_an_unknown_filter_is_wrong_usage_before_the_first_frame() -> None:
    with pytest.raises(UsageError, match="unknown filter 'kalman': expected one of one-euro"):
        tracker(Smoothing(filter="kalman"))
