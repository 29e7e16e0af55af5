from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from runtime.clips import FPS, FRAMES, HEIGHT, WIDTH, dots_at, read_clip

from lmk.errors import SourceError
from lmk.progress import Reporter
from lmk.runtime.backends.select import open_backend
from lmk.runtime.draw import landmark_color
from lmk.runtime.regions.places import center, fixed
from lmk.runtime.sinks.jsonl import json_sink
from lmk.runtime.sinks.video import video_sink
from lmk.runtime.sources.base import Frame, Source
from lmk.runtime.sources.open import open_source
from lmk.runtime.video import run_source

BOX = (3.5, -10.0, 150.0, 150.0)


def found_dots(path: Path) -> np.ndarray:
    """Landmarks of the first object of every line, (T, K, 2)."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    return np.array([line["objects"][0]["landmarks"] for line in lines])


def test_run_source_follows_the_dots_into_video_and_json(
    clip: Path, detector: Path, tmp_path: Path
) -> None:
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    backend = open_backend(str(detector))
    with (
        open_source(str(clip)) as source,
        video_sink(out, source.fps) as video,
        json_sink(lines) as js,
    ):
        summary = run_source(
            source, fixed(BOX), backend, [video, js], Reporter(), threading.Event()
        )
    assert summary.frames == FRAMES
    assert summary.fps == pytest.approx(FRAMES / summary.seconds)
    assert list(summary.stage_ms) == ["read", "region", "crop", "model", "draw", "write"]
    assert sum(summary.stage_ms.values()) <= 1000 * summary.seconds / FRAMES
    expected = np.stack([dots_at(index) for index in range(FRAMES)])
    np.testing.assert_allclose(found_dots(lines), expected, atol=0.05)
    times = [json.loads(line)["time_s"] for line in lines.read_text().splitlines()]
    np.testing.assert_allclose(times, np.arange(FRAMES) / FPS, atol=1e-3)
    frames = read_clip(out)
    assert len(frames) == FRAMES
    assert frames[0].shape == (HEIGHT, WIDTH, 3)
    for index in (0, FRAMES - 1):
        for k, (x, y) in enumerate(dots_at(index).round().astype(int)):
            # The drawn dot covers the picture's own red, green or blue one.
            patch = frames[index][y - 1 : y + 2, x - 1 : x + 2].mean((0, 1))
            assert np.abs(patch - landmark_color(k)).max() < 60


class Pictures(Source):
    """A source of `count` frames that sets `stop` or raises at one of them."""

    title, fps, size_wh, live, still, frame_count = "grey", 25.0, (90, 60), False, False, None

    def __init__(self, count: int, stop_at: int = -1, break_at: int = -1) -> None:
        self.count, self.stop_at, self.break_at = count, stop_at, break_at
        self.stop = threading.Event()

    def __iter__(self):
        for index in range(self.count):
            if index == self.break_at:
                raise SourceError("the camera vanished")
            if index == self.stop_at:
                self.stop.set()
            yield Frame(index, index / 25, np.full((60, 90, 3), 50, np.uint8))

    def close(self) -> None:
        pass


def test_a_stop_ends_after_the_frame_and_keeps_the_files(detector: Path, tmp_path: Path) -> None:
    source, backend = Pictures(100, stop_at=4), open_backend(str(detector))
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    with video_sink(out, source.fps) as video, json_sink(lines) as js:
        summary = run_source(source, center, backend, [video, js], Reporter(), source.stop)
    assert summary.frames == 5
    assert len(read_clip(out)) == 5
    # The centred square of 90 x 60 starts at x = 15; a grey one's centroid is its centre.
    np.testing.assert_allclose(found_dots(lines), np.full((5, 3, 2), (44.5, 29.5)), atol=1e-2)


def test_an_error_of_the_source_keeps_what_was_written(detector: Path, tmp_path: Path) -> None:
    source, backend = Pictures(9, break_at=3), open_backend(str(detector))
    with (
        pytest.raises(SourceError, match="vanished"),
        json_sink(tmp_path / "out.jsonl") as sink,
    ):
        run_source(source, center, backend, [sink], Reporter(), source.stop)
    assert found_dots(tmp_path / "out.jsonl").shape == (3, 3, 2)


def test_frames_without_objects_are_written_as_such(detector: Path, tmp_path: Path) -> None:
    def nothing(image: np.ndarray) -> np.ndarray:
        return np.empty((0, 4), np.float32)

    source, backend = Pictures(2), open_backend(str(detector))
    with json_sink(tmp_path / "out.jsonl") as sink:
        run_source(source, nothing, backend, [sink], Reporter(), source.stop)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["objects"] for line in lines] == [[], []]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_for_a_stop_and_a_second_interrupt_insists(number: signal.Signals) -> None:
    # In a process of its own: OpenVINO sets the stack that signal handlers run on while a model is
    # loaded; two models freed in the order of their making, as in this test run, leave a pointer to
    # memory that is gone, and the next signal ends the process.
    program = f"""
import signal
from lmk.interrupt import stop_on_signals
before = signal.getsignal({number:d})
with stop_on_signals() as stop:
    signal.raise_signal({number:d})
    assert stop.is_set()
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted")
assert signal.getsignal({number:d}) is before
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
