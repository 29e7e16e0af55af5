from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from clips import read_clip
from video.sinks.results import picture, result

from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.overlay import Overlay
from lmk.video.result import Result
from lmk.video.sinks import window
from lmk.video.sinks.window import KEYS, OVERLAYS, window_sink

NO_KEY = -1
VISIBLE, AUTOSIZE = cv2.WND_PROP_VISIBLE, cv2.WND_PROP_AUTOSIZE
QT, GTK, BLIND = (
    {VISIBLE: 1.0, AUTOSIZE: 0.0},
    {VISIBLE: -1.0, AUTOSIZE: 1.0},
    {VISIBLE: -1.0, AUTOSIZE: -1.0},
)
GONE = {VISIBLE: -1.0, AUTOSIZE: -1.0}


class Display:
    """OpenCV's windows without a screen: `keys` are pressed one a poll, `shown` is seen."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.shown: dict[str, np.ndarray] = {}
        self.properties = {VISIBLE: 1.0, AUTOSIZE: 0.0}
        self.closed, self.waits = False, []

    def wait_key(self, wait_ms: int) -> int:
        self.waits.append(wait_ms)
        return self.keys.pop(0) if self.keys else NO_KEY

    def property(self, _title: str, which: int) -> float:
        if not self.properties:
            raise cv2.error("NULL guiReceiver")
        return self.properties[which]


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    display = Display()
    monkeypatch.setattr(window, "has_display", lambda: True)
    fake = SimpleNamespace(
        error=cv2.error,
        imencode=cv2.imencode,
        WINDOW_NORMAL=0,
        WINDOW_KEEPRATIO=0,
        WND_PROP_VISIBLE=VISIBLE,
        WND_PROP_AUTOSIZE=AUTOSIZE,
        namedWindow=lambda title, _flags: display.shown.setdefault(title),
        imshow=display.shown.__setitem__,
        waitKey=display.wait_key,
        getWindowProperty=display.property,
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
                sink.poll()
            assert not display.keys

        yield SimpleNamespace(sink=sink, controls=controls, overlay=overlay, press=press)
    assert display.closed


def of_source(title: str, index: int, level: int, objects: tuple | None = None) -> Result:
    image = picture(level, (200, 120))
    return result(index, index / 10, image, source=title, objects=objects)


def plain(title: str, index: int, level: int) -> Result:
    return of_source(title, index, level, objects=())


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


@pytest.mark.parametrize(("key", "stops"), [("q", True), ("\x1b", True), ("x", False)])
def test_q_and_escape_stop(run: SimpleNamespace, key: str, stops: bool) -> None:
    run.press(key)
    assert run.controls.stop.is_set() is stops


@pytest.mark.parametrize(
    ("opened", "later", "stops"),
    [
        (QT, QT, False),
        (QT, {**QT, VISIBLE: 0.0}, True),
        (QT, GONE, True),
        (QT, {}, True),  # raises once the last window is gone
        (GTK, GTK, False),
        (GTK, GONE, True),
        (BLIND, BLIND, False),
    ],
)
def test_closing_a_window_stops_with_any_window_system(
    display: Display, opened: dict[int, float], later: dict[int, float], stops: bool
) -> None:
    controls = Controls()
    display.properties = opened
    with window_sink(["clip"], controls, Overlay(), Reporter()) as sink:
        sink.write(of_source("clip", 0, 120))
        assert not controls.stop.is_set()
        display.properties = later
        sink.poll()
        assert controls.stop.is_set() is stops


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
    before = getattr(run.overlay.options, option)
    run.press(key)
    assert getattr(run.overlay.options, option) is not before
    run.press(key)
    assert getattr(run.overlay.options, option) is before


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
    run.sink.write(plain("camera 0", 0, 10))
    run.press("r")
    for index in range(1, 4):
        run.sink.write(plain("camera 0", index, 50 * index))
        run.sink.write(plain("video in/a.avi", index, 40 * index))
    run.press("r", "s")
    run.sink.write(plain("camera 0", 4, 200))
    snapshots = {path.name: cv2.imread(str(path)).mean() for path in tmp_path.glob("*.png")}
    assert snapshots == {"camera-0-000003.png": 150, "a-000003.png": 120}
    recordings = sorted(tmp_path.glob("*.mp4"))
    levels = [[round(frame.mean(), -1) for frame in read_clip(path)] for path in recordings]
    assert levels == [[40, 80, 120], [50, 100, 150]]
    said = capsys.readouterr().err
    assert all(str(path) in said for path in tmp_path.iterdir())


def test_sources_of_one_name_have_files_of_their_own(display: Display, tmp_path: Path) -> None:
    titles = ["stream rtsp://cam1/live", "stream rtsp://cam2/live"]
    with window_sink(titles, Controls(), Overlay(), Reporter(), folder=tmp_path) as sink:
        display.keys = [ord("r")]
        sink.poll()
        for index in range(2):
            for title, level in zip(titles, (40, 200), strict=True):
                sink.write(plain(title, index, level))
        display.keys = [ord("s")]
        sink.poll()
    levels = {path.name: cv2.imread(str(path)).mean() for path in tmp_path.glob("*.png")}
    assert levels == {"live-000001.png": 40, "live-2-000001.png": 200}
    clips = [read_clip(path) for path in sorted(tmp_path.glob("*.mp4"))]
    assert sorted([round(frame.mean(), -1) for frame in clip] for clip in clips) == [
        [40, 40],
        [200, 200],
    ]


def test_a_snapshot_has_what_keys_changed_while_paused(
    run: SimpleNamespace, tmp_path: Path
) -> None:
    run.sink.write(of_source("camera 0", 0, 90))
    run.press(" ", "s")
    before = cv2.imread(str(tmp_path / "camera-0-000000.png"))
    run.press("b", "s")
    assert (cv2.imread(str(tmp_path / "camera-0-000000.png")) != before).any()


def test_a_recording_that_cannot_begin_does_not_end_the_run(
    display: Display, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with window_sink(
        ["camera 0"], Controls(), Overlay(), Reporter(), folder=tmp_path / "file"
    ) as sink:
        display.keys = [ord("r")]
        sink.poll()
        sink.write(of_source("camera 0", 0, 120))
    assert "is not a folder" in capsys.readouterr().err


def test_a_recording_ends_with_the_window(display: Display, tmp_path: Path) -> None:
    with window_sink(["camera 0"], Controls(), Overlay(), Reporter(), folder=tmp_path) as sink:
        display.keys = [ord("r")]
        sink.poll()
        sink.write(of_source("camera 0", 0, 120))
    (path,) = tmp_path.iterdir()
    assert len(read_clip(path)) == 1


def test_a_picture_waits_for_a_key_without_a_meaning(
    display: Display, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    controls = Controls()
    display.keys = [NO_KEY, *map(ord, "hbs"), NO_KEY, ord(" "), ord("n"), ord("y"), ord("q")]
    with window_sink(["a.png"], controls, Overlay(), Reporter(), True, tmp_path) as sink:
        for keys_left in (3, 2, 1):
            sink.write(of_source("a.png", 0, 120))
            assert len(display.keys) == keys_left
            assert not controls.paused
        assert (display.shown["a.png"] != 120).mean() > 0.2  # the help stays
        sink.write(of_source("a.png", 0, 120))
    assert controls.stop.is_set()
    assert "any other next picture" in capsys.readouterr().err
    assert max(display.waits) <= 100  # a signal is noticed between two polls
