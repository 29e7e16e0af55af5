from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clips import dots_at
from located import located
from typer.testing import CliRunner

from lmk.arrays import FloatArray, Indices
from lmk.cli import app
from lmk.inference.regions.base import Detector
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


MEAN = f"{__name__}:{Mean.__name__}"


def tracker(smoothing: Smoothing) -> Tracker:
    return Tracker("dots", Detector(center, exact=True), None, Tracking(), smoothing)


def test_a_filter_is_one_file_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILTERS, "mean", MEAN)
    tracks, frame = tracker(Smoothing(filter="mean")), np.zeros((60, 90, 3), np.uint8)
    for time_s, x, expected in ((0.0, 10, 10), (0.1, 20, 15), (0.2, 60, 30)):
        search = tracks.track(frame, time_s, smooth=True)
        next(search)
        with pytest.raises(StopIteration) as end:
            search.send(located(np.float32([[[x, 5], [3, x]]]), np.ones((1, 2), np.float32)))
        found = end.value.value
        np.testing.assert_allclose(found.xy, [[[expected, 5], [3, expected]]], rtol=1e-6)


def test_the_command_line_takes_every_filter_of_the_table(
    monkeypatch: pytest.MonkeyPatch, clip: Path, detector: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(FILTERS, "mean", MEAN)
    lines = tmp_path / "out.jsonl"
    where = ("--region", "box:3.5,-10,150,150", "--no-show", "-o", str(lines))
    arguments = ["run", str(clip), "-m", str(detector), *where, "--filter", "mean"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    for index, line in enumerate(lines.read_text().splitlines()):
        found = json.loads(line)["objects"][0]["landmarks"]
        expected = np.mean([dots_at(before) for before in range(index + 1)], axis=0)
        np.testing.assert_allclose(found, expected, atol=0.05)


def test_an_unknown_filter_is_wrong_usage_before_the_first_frame() -> None:
    with pytest.raises(UsageError, match="unknown filter 'kalman': expected one of one-euro"):
        tracker(Smoothing(filter="kalman"))
