from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from clips import FRAMES, dots_at, save_clip
from made_sources import Kept, Made

from lmk.geometry import crops_of_boxes
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.select import open_backend
from lmk.inference.regions.base import Detector
from lmk.inference.regions.places import center, fixed
from lmk.model.points import NO_POINTS
from lmk.system.errors import SourceError, WeightsError
from lmk.system.progress import Reporter
from lmk.video.context import RunContext
from lmk.video.controls import Controls
from lmk.video.overlay import Overlay
from lmk.video.pipeline import Summary
from lmk.video.pipeline import run as run_pipeline
from lmk.video.run_model import MODEL_FAILURES, RunModel
from lmk.video.sources.open import open_source
from lmk.video.stages import Stages
from lmk.video.tracker import Tracker, Tracking

BOX = (3.5, -10.0, 150.0, 150.0)


class Batches:
    """A backend of two landmarks that notes the size of every batch, and fails when told."""

    name, description, num_landmarks, input_size, framing = "noted", "", 2, 128, None
    points = NO_POINTS

    def __init__(self, fail_at: tuple[int, ...] = ()) -> None:
        self.sizes: list[int] = []
        self.fail_at = fail_at

    def infer(self, images: np.ndarray) -> Inferred:
        self.sizes.append(len(images))
        if len(self.sizes) - 1 in self.fail_at:
            raise RuntimeError("out of memory")
        shape = (len(images), 2)
        return inferred(np.full((*shape, 2), 63.5, np.float32), np.ones(shape, np.float32))


def made_model(backend, *boxes: tuple[float, ...], name: str = "dots") -> RunModel:
    finder = Detector(fixed(boxes) if boxes else center, exact=True)
    return RunModel(name, backend, lambda: Tracker(name, finder, None, Tracking(), None))


def context(stop: threading.Event | None = None, **more) -> RunContext:
    return RunContext(Reporter(), Controls(stop), **more)


def run(sources, models, sinks, run_context: RunContext) -> Summary:
    return run_pipeline(sources, models, sinks, Overlay(), run_context)


def run_one(source, sink, backend, **more) -> Summary:
    return run([source], [made_model(backend)], [sink], context(**more))


def test_landmarks_follow_the_dots_of_a_clip(clip: Path, detector: Path) -> None:
    sink, stages = Kept(), Stages()
    backend = open_backend(str(detector))
    with open_source(str(clip)) as source:
        summary = run([source], [made_model(backend, BOX)], [sink], context(stages=stages))
    assert (summary.frames, summary.failures) == (FRAMES, {})
    assert summary.fps == pytest.approx(FRAMES / summary.seconds)
    found = np.array([result.objects[0].xy[0] for result in sink.results])
    np.testing.assert_allclose(found, [dots_at(i) for i in range(FRAMES)], atol=0.05)
    assert [result.frame.index for result in sink.results] == list(range(FRAMES))
    assert set(stages.spread()) == {"read", "region", "crop", "model", "follow", "write"}


def test_frames_without_any_object_are_counted() -> None:
    finds_on_even = iter([[BOX], [], [BOX], [], [BOX]])
    finder = Detector(
        lambda _: np.array(next(finds_on_even), np.float32).reshape(-1, 4), exact=True
    )
    one = RunModel("a", Batches(), lambda: Tracker("a", finder, None, Tracking(), None))
    assert run([Made(5)], [one], [Kept()], context()).empty == 2


def test_a_frame_without_objects_is_no_zero_among_the_models_times() -> None:
    stages = Stages()
    finder = Detector(lambda _: np.zeros((0, 4), np.float32), exact=True)
    one = RunModel("a", Batches(), lambda: Tracker("a", finder, None, Tracking(), None))
    run([Made(5)], [one], [Kept()], context(stages=stages))
    assert "region" in stages.spread()
    assert "model" not in stages.spread()


def test_an_object_of_any_model_is_enough() -> None:
    nothing = Detector(lambda _: np.empty((0, 4), np.float32), exact=True)
    blind = RunModel("b", Batches(), lambda: Tracker("b", nothing, None, Tracking(), None))
    assert run([Made(3)], [blind], [Kept()], context()).empty == 3
    assert run([Made(3)], [blind, made_model(Batches())], [Kept()], context()).empty == 0


def test_several_sources_share_a_batch_fairly() -> None:
    many, few = Made(12, title="many"), Made(5, title="few")
    backend, sink = Batches(), Kept()
    boxes = [(0, 0, 30, 30), (30, 0, 30, 30), (10, 10, 40, 40)]
    summary = run([many, few], [made_model(backend, *boxes)], [sink], context())
    assert summary.frames == 17
    assert [[r.frame.index for r in sink.results if r.source == t] for t in ("many", "few")] == [
        list(range(12)),
        list(range(5)),
    ]
    assert sum(backend.sizes) == 17 * 3
    assert set(backend.sizes) <= {3, 6}
    # The short one is not kept waiting for the long one's end, nor the long one for its own.
    assert backend.sizes.count(6) >= 3
    for result in sink.results:
        np.testing.assert_allclose(result.objects[0].boxes, boxes)
        np.testing.assert_allclose(result.objects[0].xy[2], [(29.5, 29.5)] * 2)


def test_several_models_share_the_frames() -> None:
    source, sink = Made(4), Kept()
    both = [made_model(Batches(), name="a"), made_model(Batches(), (1, 2, 8, 8), name="b")]
    run([source], both, [sink], context())
    assert source.given == len(sink.results) == 4
    assert [[o.model for o in r.objects] for r in sink.results] == [["a", "b"]] * 4
    assert sink.results[0].objects[1].boxes.tolist() == [[1, 2, 8, 8]]


def test_one_bad_frame_of_a_model_is_survived_and_counted(capsys) -> None:
    sink = Kept()
    summary = run_one(Made(6), sink, Batches(fail_at=(2,)))
    assert (summary.frames, summary.failures) == (6, {"dots": 1})
    assert [len(r.objects[0].ids) for r in sink.results] == [1, 1, 0, 1, 1, 1]
    assert "out of memory" in capsys.readouterr().err


def test_each_model_that_fails_is_named(capsys) -> None:
    """Both on the third frame, and one of them again."""
    once, twice = (
        made_model(Batches(fail_at=at), name=name)
        for name, at in (("once", (2,)), ("twice", (2, 4)))
    )
    summary = run([Made(6)], [once, twice], [Kept()], context())
    assert summary.failures == {"once": 1, "twice": 2}
    warned = capsys.readouterr().err
    assert [warned.count(f"{name} failed on a frame") for name in ("once", "twice")] == [1, 1]


def test_a_model_that_always_fails_ends_the_run() -> None:
    sink = Kept()
    with pytest.raises(WeightsError, match=r"dots failed 10 times .* out of memory"):
        run_one(Made(100), sink, Batches(fail_at=tuple(range(100))))
    assert len(sink.results) == MODEL_FAILURES - 1


def test_a_model_that_always_fails_ends_the_run_also_beside_a_good_one() -> None:
    bad = made_model(Batches(fail_at=tuple(range(100))), name="bad")
    with pytest.raises(WeightsError, match=r"bad failed 10 times .* out of memory"):
        run([Made(100)], [bad, made_model(Batches(), name="good")], [Kept()], context())


def test_a_stop_ends_after_the_frame_and_closes_the_source() -> None:
    stop, source = threading.Event(), Made(1000)
    sink = Kept(stop_after=5, stop=stop)
    summary = run_one(source, sink, Batches(), stop=stop)
    assert summary.frames == len(sink.results) == 5
    assert source.closed


def test_a_broken_source_is_raised_when_the_others_are_through(capsys) -> None:
    sink, sources = Kept(), [Made(9, break_at=3), Made(6, title="whole")]
    with pytest.raises(SourceError, match="grey vanished"):
        run(sources, [made_model(Batches())], [sink], context())
    assert Counter(result.source for result in sink.results) == {"grey": 3, "whole": 6}
    assert capsys.readouterr().err.count("warning: grey vanished") == 1


def test_a_broken_source_is_told_while_the_others_go_on(capsys) -> None:
    stop, said = threading.Event(), ""

    def look() -> None:
        nonlocal said
        said += capsys.readouterr().err
        if said:
            stop.set()

    sources = [Made(9, break_at=3), Made(100_000, title="whole")]
    with pytest.raises(SourceError, match="grey vanished"):
        run(sources, [made_model(Batches())], [Kept()], context(stop, idle=look))
    assert said == "warning: grey vanished\n"
    assert sources[1].given < 100_000


def test_a_run_of_one_broken_source_says_so_once(capsys) -> None:
    with pytest.raises(SourceError, match="grey vanished"):
        run_one(Made(9, break_at=3), Kept(), Batches())
    assert not capsys.readouterr().err


def test_a_pause_holds_files_and_a_step_lets_one_frame_through() -> None:
    controls, sink, source = Controls(), Kept(), Made(50)
    idle = threading.Event()
    controls.toggle_pause()
    run_context = RunContext(Reporter(), controls, idle=idle.set)
    worker = threading.Thread(
        target=run, args=([source], [made_model(Batches())], [sink], run_context)
    )
    worker.start()
    time.sleep(0.2)
    assert idle.is_set()
    assert not sink.results
    controls.step()
    deadline = time.monotonic() + 5
    while not sink.results and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert [r.frame.index for r in sink.results] == [0]
    controls.toggle_pause()
    worker.join(10)
    assert len(sink.results) == 50


def test_only_sinks_that_show_pictures_cost_drawing() -> None:
    drawn = []

    def draw(frame, objects, source):
        drawn.append((frame.index, len(objects), source))
        return np.ones((2, 3, 3), np.uint8)

    plain, picture = Kept(), Kept()
    picture.draws = True
    for sinks in ([plain], [plain, picture]):
        run_pipeline([Made(3)], [made_model(Batches())], sinks, draw, context())
    assert drawn == [(0, 1, "grey"), (1, 1, "grey"), (2, 1, "grey")]
    assert picture.results[0].drawn_bgr.shape == (2, 3, 3)


def test_a_clip_is_followed_from_its_landmarks_alone(tmp_path: Path, detector: Path) -> None:
    from lmk.model.framing import Framing

    clip, sink = save_clip(tmp_path / "dots.mkv"), Kept()
    backend = open_backend(str(detector))
    *corner, side, _ = crops_of_boxes(BOX)[0]
    mean = (dots_at(0) + 0.5 - corner) * 128 / side - 0.5
    framing = Framing(tuple(map(tuple, mean.tolist())), spread_px=2.0, score=0.5)
    finder = Detector(fixed(BOX), exact=True)

    def new_tracker() -> Tracker:
        return Tracker("dots", finder, framing, Tracking(follow=True, search_s=1e9), None)

    with open_source(str(clip)) as source:
        run([source], [RunModel("dots", backend, new_tracker)], [sink], context())
    boxes = np.array([result.objects[0].boxes[0] for result in sink.results])
    # The first crop is round the dots of the frame before, the others are where the dots go.
    moves = np.array([dots_at(i) - dots_at(0) for i in (0, *range(2, FRAMES))])[:, 0]
    np.testing.assert_allclose(boxes[1:, :2], BOX[:2] + moves, atol=0.3)
    np.testing.assert_allclose(boxes[1:, 2:], np.tile(BOX[2:], (len(moves), 1)), rtol=2e-3)
    assert {tuple(result.objects[0].ids) for result in sink.results} == {(1,)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_for_a_stop_and_a_second_interrupt_insists(number: signal.Signals) -> None:
    # In a process of its own: OpenVINO sets the stack that signal handlers run on while a model is
    # loaded; two models freed in the order of their making, as in this test run, leave a pointer to
    # memory that is gone, and the next signal ends the process.
    program = f"""
import signal
from lmk.system.interrupt import stop_on_signals
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
