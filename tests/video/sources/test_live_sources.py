from __future__ import annotations

import itertools
import threading
import time

import cv2
import pytest
from video.sources.captures import FakeCapture, grey, plug
from video.sources.reports import KeptReports

from lmk.system.errors import SourceError
from lmk.video.sources import live
from lmk.video.sources.live import growing_waits
from lmk.video.sources.open import open_source


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.001)


def test_times_are_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, FakeCapture([grey(1), grey(2), grey(3)], fps=20.0))
    clock = itertools.chain([100.0, 100.375, 101.0], itertools.count(200))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with open_source("webcam") as source:
        assert source.fps == 20
        frames = list(itertools.islice(source, 3))
    assert [frame.time_s for frame in frames] == [0.0, 0.375, 1.0]


def test_times_never_run_backwards_when_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, FakeCapture([grey(i) for i in range(5)], fps=20.0))
    clock = itertools.chain([1000.0, 1000.25, 10.0, 10.25, 11.0], itertools.count(20))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with open_source("webcam") as source:
        times = [frame.time_s for frame in itertools.islice(source, 5)]
    assert times == pytest.approx([0, 0.25, 0.3, 0.55, 1.3])


def test_a_camera_that_vanishes_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    gone, mute = FakeCapture([], opens=False), FakeCapture([])
    devices = plug(
        monkeypatch,
        FakeCapture([grey(1), grey(2)]),
        gone,
        mute,
        FakeCapture([grey(3, (12, 9))]),
        FakeCapture([grey(4), grey(5)]),
    )
    report = KeptReports()
    with open_source("webcam:1", report) as source:
        frames = list(itertools.islice(source, 5))
    assert [frame.image_bgr[0, 0, 0] for frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert all(a.time_s < b.time_s for a, b in itertools.pairwise(frames))
    assert [frame.image_bgr.shape[:2] for frame in frames[1:3]] == [(8, 6), (9, 12)]
    assert devices.asked == 5 * [(1, 0)]
    assert all(capture.released for capture in devices.captures)
    loss = "camera 1 delivers no more frames: trying to reopen it"
    assert report.losses == [loss, loss]
    assert report.returns == [
        "camera 1 is back after 0.0 s (lost once so far)",
        "camera 1 is back after 0.0 s (lost 2 times so far)",
    ]


def test_a_damaged_frame_of_a_camera_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = plug(monkeypatch, FakeCapture([grey(1), None, None, grey(2)]))
    report = KeptReports()
    with open_source("webcam", report) as source:
        frames = list(itertools.islice(source, 2))
    assert [frame.index for frame in frames] == [0, 1]
    assert source.dropped == {"damaged": 2}
    assert len(devices.asked) == 1
    assert not report.losses


def test_a_camera_that_is_not_there_at_first_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = plug(monkeypatch, FakeCapture([], opens=False))
    with pytest.raises(SourceError, match="camera 0 cannot be opened: plug it in"):
        open_source("webcam")
    assert len(devices.asked) == 1


def test_waits_double_up_to_half_a_minute() -> None:
    waits = list(itertools.islice(growing_waits(), 9))
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_closing_ends_the_wait_for_a_lost_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_WAIT_S", 60.0)
    plug(monkeypatch, FakeCapture([grey(1)]))
    lost = threading.Event()
    report = KeptReports()
    monkeypatch.setattr(report, "warn", lambda _: lost.set())
    source = open_source("webcam", report)
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    assert lost.wait(10)
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    assert not report.returns


def test_what_is_opened_while_the_source_closes_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    late = FakeCapture([grey(2)])
    devices = plug(monkeypatch, FakeCapture([grey(1)]), late)

    def close_meanwhile(place: str | int, api: int, parameters: list[int]) -> FakeCapture:
        if devices.asked:
            source.close()
        return devices(place, api, parameters)

    monkeypatch.setattr(cv2, "VideoCapture", close_meanwhile)
    source = open_source("webcam")
    assert len(list(source)) == 1
    assert late.released
