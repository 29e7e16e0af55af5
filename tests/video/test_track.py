from __future__ import annotations

import doctest
import json
import logging
import threading
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import FRAMES, dots_at, save_clip
from colour_detector import dots_image, save_detector
from made_sources import Made
from typer.testing import CliRunner

import lmk
from lmk.cli import app
from lmk.demo import clip as demo_clip
from lmk.inference.backends.base import Backend
from lmk.system.errors import SourceError, UsageError
from lmk.system.progress import Reporter
from lmk.video.context import RunContext
from lmk.video.controls import Controls
from lmk.video.run_model import ModelStep
from lmk.video.sinks.mp4 import Mp4

BOX = "box:3.5,-10,150,150"


def readers() -> int:
    return sum(thread.name == "reader" for thread in threading.enumerate())


def test_each_frame_comes_in_order_with_landmarks_where_the_dots_are(
    clip: Path, detector: Path
) -> None:
    results = list(lmk.track(clip, detector, region=BOX, smoothing=None))
    assert [result.frame.index for result in results] == list(range(FRAMES))
    for index, result in enumerate(results):
        (dots,) = result.objects
        assert (dots.model, dots.ids.tolist()) == ("dots", [1])
        assert dots.boxes.tolist() == [[3.5, -10, 150, 150]]
        assert dots.scores.shape == (1, 3)
        assert result.source == str(clip)
        np.testing.assert_allclose(dots.xy, [dots_at(index)], atol=0.05)
    assert not readers()


def test_the_example_in_its_documentation_gives_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    video = Mp4(tmp_path / "clip.mp4", demo_clip.FPS)
    for index, frame in enumerate(islice(demo_clip.frames(), 3)):
        video.add(frame, index / demo_clip.FPS)
    video.close()
    (example,) = doctest.DocTestFinder().find(lmk.track, "track", globs={})
    ran = doctest.DocTestRunner().run(example)
    assert (ran.failed, ran.attempted) == (0, 2)


def test_an_early_end_closes_sources_and_threads(detector: Path) -> None:
    source = Made(1000)
    with closing(lmk.track(source, detector)) as results:
        for result in results:
            if result.frame.index == 4:
                break
        assert readers() == 1
    assert source.closed
    assert not readers()
    assert source.given < 20


def test_a_loop_that_is_left_closes_them_too(detector: Path) -> None:
    source = Made(1000)
    for _ in lmk.track(source, detector):
        break
    assert source.closed
    assert not readers()


def test_nothing_is_opened_before_the_first_frame_is_asked_for(detector: Path) -> None:
    source = Made(3)
    lmk.track(source, detector).close()
    lmk.track("none.mp4", "none.onnx").close()
    assert not source.given


def test_several_sources_and_models_go_together(clip: Path, detector: Path, tmp_path: Path) -> None:
    other, second = save_clip(tmp_path / "other.mkv"), save_detector(tmp_path / "second.onnx")
    found = list(lmk.track([clip, str(other)], [detector, second], region=BOX, smoothing=None))
    for source in (str(clip), str(other)):
        own = [result for result in found if result.source == source]
        assert [result.frame.index for result in own] == list(range(FRAMES))
        for index, result in enumerate(own):
            assert [objects.model for objects in result.objects] == ["dots", "second"]
            for objects in result.objects:
                np.testing.assert_allclose(objects.xy, [dots_at(index)], atol=0.05)


def test_the_command_and_track_give_the_same_landmarks(
    clip: Path, detector: Path, tmp_path: Path
) -> None:
    lines = tmp_path / "out.jsonl"
    command = ["run", str(clip), "-m", str(detector), "--region", BOX, "-o", str(lines)]
    assert CliRunner().invoke(app, [*command, "--no-show"]).exit_code == 0
    written = [json.loads(line)["objects"][0] for line in lines.read_text().splitlines()]
    results = list(lmk.track(clip, detector, region=BOX))
    assert len(results) == len(written) == FRAMES
    for result, one in zip(results, written, strict=True):
        np.testing.assert_allclose(result.objects[0].xy[0], one["landmarks"], atol=5e-4)
        np.testing.assert_allclose(result.objects[0].scores[0], one["scores"], atol=5e-5)
    last = results[-1].objects[0].xy[0]  # smoothed, as the command does by default
    assert np.abs(last - dots_at(FRAMES - 1)).max() > 0.2
    steadier = list(lmk.track(clip, detector, region=BOX, smoothing=lmk.Smoothing(0.1, 0.0)))
    assert np.abs(steadier[-1].objects[0].xy[0] - last).max() > 5


def test_pictures_of_a_folder_are_not_smoothed(detector: Path, tmp_path: Path) -> None:
    places = [np.array([[60.0, 30.0], [75.0, 52.0], [90.0, 40.0]]) + 9 * k for k in range(2)]
    for name, xy in zip("ab", places, strict=True):
        cv2.imwrite(str(tmp_path / f"{name}.png"), dots_image((150, 90), xy, sigma=3))
    results = list(lmk.track(tmp_path, detector))
    assert [result.frame.name for result in results] == ["a.png", "b.png"]
    for result, xy in zip(results, places, strict=True):
        np.testing.assert_allclose(result.objects[0].xy[0], xy, atol=0.2)


def test_another_thread_may_stop_it_and_read_its_times(detector: Path) -> None:
    context = RunContext(Reporter(), Controls())
    results = lmk.track(Made(100_000), detector, context=context)
    threading.Timer(0.3, context.controls.stop.set).start()
    deadline = time.monotonic() + 20
    count = sum(1 for _ in results)
    assert time.monotonic() < deadline
    assert context.stages.frames == count > 0
    assert {"region", "crop", "model", "follow"} <= set(context.stages.spread())
    assert not readers()


def test_a_model_that_fails_on_a_frame_is_logged(
    detector: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd
) -> None:
    whole = ModelStep.__call__
    failing = iter([False, True, False])

    def infer(self: Backend, images: np.ndarray) -> None:
        raise RuntimeError("out of memory")

    def step(self, frames):
        if not next(failing):
            return whole(self, frames)
        with monkeypatch.context() as patch:
            patch.setattr(type(self._model.backend), "infer", infer)
            return whole(self, frames)

    monkeypatch.setattr(ModelStep, "__call__", step)
    with caplog.at_level(logging.WARNING, "lmk"):
        results = list(lmk.track(Made(3), detector))
    assert [len(result.objects[0].ids) for result in results] == [1, 0, 1]
    (said,) = [record.message for record in caplog.records]
    assert said.startswith("dots failed on a frame; the run continues: ")
    assert said.endswith(" failed: out of memory")
    assert "out of memory" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("sources", "models", "words"),
    [
        ([], ["dots.onnx"], "at least one source"),
        ([Made(1)], [], "at least one model"),
        ([Made(1), Made(1)], ["dots.onnx"], "different sources"),
        ([Made(1)], ["a/dots.onnx", "b/dots.onnx"], "different names"),
    ],
)
def test_what_cannot_be_run_is_wrong_usage(sources: list, models: list, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        next(lmk.track(sources, models))
    assert all(source.closed for source in sources)


def test_a_broken_source_is_raised_after_its_frames(detector: Path) -> None:
    results = lmk.track(Made(9, break_at=3), detector)
    assert [result.frame.index for result in islice(results, 3)] == [0, 1, 2]
    with pytest.raises(SourceError, match="grey vanished"):
        next(results)
