from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from runtime.clips import read_clip
from runtime.sinks.results import picture, result

from lmk.progress import Reporter
from lmk.runtime.controls import Controls
from lmk.runtime.overlay import Overlay
from lmk.runtime.result import Result
from lmk.runtime.sinks import window
from lmk.runtime.sinks.window import KEYS, OVERLAYS, window_sink

NO_KEY = -1


class Display:
    """OpenCV's windows without a screen: `keys` are pressed one a poll, `shown` is seen."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.shown: dict[str, np.ndarray] = {}
        self.visible, self.closed, self.waits = 1.0, False, []

    def wait_key(self, wait_ms: int) -> int:
        self.waits.append(wait_ms)
        return self.keys.pop(0) if self.keys else NO_KEY


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    display = Display()
    monkeypatch.setattr(window, "has_display", lambda: True)
    fake = SimpleNamespace(
        error=cv2.error,
        imencode=cv2.imencode,
        WINDOW_NORMAL=0,
        WINDOW_KEEPRATIO=0,
        WND_PROP_VISIBLE=4,
        namedWindow=lambda title, _flags: display.shown.setdefault(title),
        imshow=display.shown.__setitem__,
        waitKey=display.wait_key,
        getWindowProperty=lambda _title, _prop: display.visible,
        destroyAllWindows=lambda: setattr(display, "closed", True),
    )
    monkeypatch.setattr(window, "cv2", fake)
    return display


@pytest.fixture
def run(display: Display, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """An open window of two sources with its controls."""
    controls, overlay = Controls(), Overlay()
    titles = ["camera 0", "video in/a.avi"]
    with window_sink(titles, controls, overlay, Reporter(), folder=tmp_path) as sink:

        def press(*keys: str) -> None:
            for key in keys:
                display.keys.append(ord(key))
                assert sink.poll()

        yield SimpleNamespace(sink=sink, controls=controls, overlay=overlay, press=press)
    assert display.closed


def of_source(title: str, index: int, level: int) -> Result:
    return result(index, index / 10, picture(level, (200, 120)), source=title)


def test_without_a_display_the_window_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(window, "has_display", lambda: False)
    with window_sink(["clip"], Controls(), Overlay(), Reporter()) as sink:
        assert sink is None
    assert capsys.readouterr().err.count("no display was found") == 1


def test_each_source_has_its_window(display: Display, run: SimpleNamespace) -> None:
    run.sink.write(of_source("camera 0", 0, 10))
    run.sink.write(of_source("video in/a.avi", 0, 200))
    assert {title: image.mean() for title, image in display.shown.items()} == {
        "camera 0": 10,
        "video in/a.avi": 200,
    }


@pytest.mark.parametrize(
    ("key", "visible", "stops"),
    [
        (ord("q"), 1, True),
        (27, 1, True),
        (NO_KEY, 0, True),
        (NO_KEY, 1, False),
        (ord("x"), 1, False),
    ],
)
def test_keys_and_closing_the_window_stop(
    display: Display, run: SimpleNamespace, key: int, visible: float, stops: bool
) -> None:
    display.keys, display.visible = [key], visible
    run.sink.poll()
    assert run.controls.stop.is_set() is stops


def test_space_pauses_and_n_and_dot_step(run: SimpleNamespace) -> None:
    run.press(" ")
    assert run.controls.paused
    assert not run.controls.may_go_on()
    run.press("n", ".")
    assert [run.controls.may_go_on() for _ in range(3)] == [True, True, False]
    run.press(" ")
    assert run.controls.may_go_on()


def test_f_turns_the_filter_off_and_on(run: SimpleNamespace) -> None:
    run.press("f")
    assert not run.controls.filtering
    run.press("f")
    assert run.controls.filtering


@pytest.mark.parametrize(("key", "option"), OVERLAYS.items())
def test_overlay_keys_turn_their_option_on_and_off(
    run: SimpleNamespace, key: str, option: str
) -> None:
    run.press(key)
    assert getattr(run.overlay.options, option)
    run.press(key)
    assert not getattr(run.overlay.options, option)


def test_a_paused_picture_shows_at_once_what_a_key_changes(
    display: Display, run: SimpleNamespace
) -> None:
    run.sink.write(of_source("camera 0", 0, 90))
    run.press(" ")
    before = display.shown["camera 0"].copy()
    run.press("b")
    assert (display.shown["camera 0"] != before).any()


def test_help_and_state_are_in_the_window_alone(display: Display, run: SimpleNamespace) -> None:
    drawn = of_source("camera 0", 0, 90)
    run.sink.write(drawn)
    run.press(" ", "h")
    run.sink.write(drawn)
    assert (display.shown["camera 0"] != 90).mean() > 0.2
    assert (drawn.drawn_bgr == 90).all()
    assert {key for key, _ in KEYS} >= {*OVERLAYS, "s", "r", "f", "h"}


def test_s_writes_a_picture_of_every_source_and_r_records(
    run: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.press("s")  # nothing is there yet
    run.sink.write(of_source("camera 0", 0, 10))
    run.press("r")
    for index in range(1, 4):
        run.sink.write(of_source("camera 0", index, 50 * index))
        run.sink.write(of_source("video in/a.avi", index, 40 * index))
    run.press("r", "s")
    run.sink.write(of_source("camera 0", 4, 200))
    snapshots = {path.name: cv2.imread(str(path)).mean() for path in tmp_path.glob("*.png")}
    assert snapshots == {"camera-0-000003.png": 150, "a-000003.png": 120}
    recordings = sorted(tmp_path.glob("*.mp4"))
    levels = [[round(frame.mean(), -1) for frame in read_clip(path)] for path in recordings]
    assert levels == [[40, 80, 120], [50, 100, 150]]
    said = capsys.readouterr().err
    assert all(str(path) in said for path in tmp_path.iterdir())


def test_a_recording_ends_with_the_window(display: Display, tmp_path: Path) -> None:
    with window_sink(["camera 0"], Controls(), Overlay(), Reporter(), folder=tmp_path) as sink:
        display.keys = [ord("r")]
        sink.poll()
        sink.write(of_source("camera 0", 0, 120))
    (path,) = tmp_path.iterdir()
    assert len(read_clip(path)) == 1


def test_a_picture_waits_for_a_key(display: Display) -> None:
    display.keys = [NO_KEY, NO_KEY, NO_KEY, ord("x"), ord("y")]
    with window_sink(["clip"], Controls(), Overlay(), Reporter(), still=True) as sink:
        sink.write(of_source("clip", 0, 120))
    assert display.keys == [ord("y")]
    assert max(display.waits) <= 100  # a signal is noticed between two polls
