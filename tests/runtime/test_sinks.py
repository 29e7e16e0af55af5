from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from runtime.clips import full_disk, read_clip

from lmk.errors import OutputError, UsageError
from lmk.progress import Reporter
from lmk.runtime.result import Objects, Result
from lmk.runtime.sinks import window
from lmk.runtime.sinks.choose import check_output
from lmk.runtime.sinks.jsonl import json_sink
from lmk.runtime.sinks.pictures import picture_sink
from lmk.runtime.sinks.video import video_sink
from lmk.runtime.sinks.window import window_sink
from lmk.runtime.sources.base import Frame


def result(index: int, time_s: float, image: np.ndarray, name: str = "") -> Result:
    boxes = np.array([[1.5, 2, 30, 40], [5, 6, 7, 8]], np.float32)
    xy = np.array([[[10.12345, 20.5], [3, 4]], [[5.25, 6], [-7, 8.0004]]], np.float32)
    scores = np.array([[0.91234, 0.5], [0.1, 0.25]], np.float32)
    objects = Objects("dots", np.arange(len(boxes)) + 7, boxes, xy, scores, np.ones_like(scores))
    return Result(Frame(index, time_s, image, name), "clip", (objects,), image)


def picture(level: int, size_wh: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), level, np.uint8)


def source(fps: float | None = 12.5, size_wh: tuple[int, int] = (64, 48), **more: object):
    defaults = {"live": False, "still": False, "frame_count": None}
    return SimpleNamespace(fps=fps, size_wh=size_wh, **(defaults | more))


def write_all(opened: AbstractContextManager, results: Iterable[Result]) -> None:
    with opened as sink:
        for one in results:
            sink.write(one)


def levels(path: Path) -> list[int]:
    return [round(float(frame.mean()), -1) for frame in read_clip(path)]


def test_video_keeps_rate_order_and_count(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.mp4"
    with video_sink(path, source(fps=12.5)) as sink:
        for index in range(7):
            # Irregular times: a file's frames are written one for one all the same.
            sink.write(result(index, index**2 / 3, picture(40 + 20 * index)))
        assert not path.exists()
    assert levels(path) == [40, 60, 80, 100, 120, 140, 160]
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)
    assert [p.name for p in path.parent.iterdir()] == ["out.mp4"]


def test_video_of_a_live_source_runs_at_the_speed_of_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with video_sink(path, source(fps=10.0, live=True)) as sink:
        # The second frame comes at once (dropped), the third two frames late (shown, repeated).
        for index, time_s in enumerate((0.0, 0.02, 0.31, 0.4)):
            sink.write(result(index, time_s, picture(40 + 40 * index)))
    assert levels(path) == [40, 120, 120, 120, 160]


def test_video_of_odd_size_gets_an_even_one_and_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    image = picture(30, (65, 47))
    image[20:30, 40:50] = 200
    with video_sink(path, source(size_wh=(65, 47))) as sink:
        sink.write(result(0, 0.0, image))
    (frame,) = read_clip(path)
    assert frame.shape == (48, 66, 3)
    rows, columns, _ = np.nonzero(frame > 115)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 29, 40, 49)


def test_video_keeps_frames_whose_size_changes(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with video_sink(path, source()) as sink:
        sink.write(result(0, 0.0, picture(50)))
        sink.write(result(1, 0.1, picture(150, (128, 100))))
    assert levels(path) == [50, 150]


def test_video_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = tmp_path / "out.mp4"
    results = (result(index, index / 12.5, np.roll(noise, index, 1)) for index in range(30))
    with full_disk(20_000), pytest.raises(OutputError, match="of 30 frames arrived"):
        write_all(video_sink(path, source()), results)
    assert list(tmp_path.iterdir()) == []


def test_video_in_an_unusable_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "out.mp4"
    with pytest.raises(OutputError, match="cannot write"), video_sink(path, source()):
        pytest.fail("the sink opened")


def test_video_without_frames_is_an_output_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="before its first frame"),
        video_sink(tmp_path / "out.mp4", source()),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opened", [video_sink, lambda path, _: json_sink(path)])
def test_an_error_midway_leaves_the_earlier_file(tmp_path: Path, opened: object) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"earlier")

    def results() -> Iterator[Result]:
        yield result(0, 0.0, picture(9))
        raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        write_all(opened(path, source()), results())
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_one_object_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with json_sink(path) as sink:
        sink.write(result(0, 0.0, picture(1), name="a/b.png"))
        sink.write(result(1, 1 / 3, picture(2)))
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    objects = [
        {
            "model": "dots",
            "id": 7,
            "box": [1.5, 2, 30, 40],
            "landmarks": [[10.123, 20.5], [3, 4]],
            "scores": [0.9123, 0.5],
        },
        {
            "model": "dots",
            "id": 8,
            "box": [5, 6, 7, 8],
            "landmarks": [[5.25, 6], [-7, 8]],
            "scores": [0.1, 0.25],
        },
    ]
    assert first == {"frame": 0, "time_s": 0.0, "name": "a/b.png", "objects": objects}
    assert second == {"frame": 1, "time_s": 0.333333, "objects": objects}


def test_json_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    results = (result(index, 0.0, picture(1)) for index in range(1000))
    words = r"cannot write .*out\.jsonl.*Free space"
    with full_disk(30_000), pytest.raises(OutputError, match=words) as caught:
        write_all(json_sink(path), results)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_json_to_a_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"), json_sink(tmp_path):
        pytest.fail("the sink opened")


def test_pictures_keep_their_names(tmp_path: Path) -> None:
    with picture_sink(tmp_path / "out") as sink:
        sink.write(result(0, 0.0, picture(30), name="a.png"))
        sink.write(result(1, 0.0, picture(90), name="b/a.png"))
    with picture_sink(tmp_path / "one.png") as sink:
        sink.write(result(0, 0.0, picture(60), name="photo.jpg"))
    found = {p.relative_to(tmp_path).as_posix(): p for p in tmp_path.rglob("*.png")}
    means = {name: cv2.imread(str(path)).mean() for name, path in found.items()}
    assert means == {"out/a.png": 30, "out/b/a.png": 90, "one.png": 60}


def test_a_picture_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with full_disk(2000), picture_sink(tmp_path / "a.png") as sink, pytest.raises(OutputError):
        sink.write(result(0, 0.0, noise))
    assert list(tmp_path.iterdir()) == []


PICTURES = {"still": True, "fps": None}


@pytest.mark.parametrize(
    ("given", "text", "output"),
    [
        (source(), "clip.avi", "out.avi"),
        (source(), "clip.avi", "folder"),
        (source(**PICTURES, frame_count=1), "a.png", "out.mp4"),
        (source(**PICTURES, frame_count=3), "{folder}", "out.png"),
        (source(**PICTURES, frame_count=1), "{folder}", "out.png"),
        (source(**PICTURES, frame_count=1), "a.png", "a.png"),
        (source(**PICTURES, frame_count=2), "{folder}", "{folder}"),
        (source(), "clip.avi", "taken.mp4"),
    ],
)
def test_outputs_that_do_not_fit_the_source_are_wrong_usage(
    tmp_path: Path, given: object, text: str, output: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.mp4").mkdir()
    place = {"folder": str(tmp_path / "folder")}
    with pytest.raises(UsageError):
        check_output(tmp_path / output.format(**place), given, str(tmp_path / text.format(**place)))


def test_outputs_that_fit_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    check_output(tmp_path / "out.mp4", source(), "clip.avi")
    check_output(tmp_path / "out.JPG", source(**PICTURES, frame_count=1), "a.png")
    check_output(tmp_path / "out", source(**PICTURES, frame_count=2), str(tmp_path / "in"))


def test_without_a_display_the_window_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    with window_sink("lmk", source(), threading.Event(), Reporter()) as sink:
        assert sink is None
    assert capsys.readouterr().err.count("no display was found") == 1


@pytest.mark.parametrize(
    ("key", "visible", "stops"), [(ord("q"), 1, True), (27, 1, True), (-1, 0, True), (-1, 1, False)]
)
def test_keys_and_closing_the_window_stop(
    monkeypatch: pytest.MonkeyPatch, key: int, visible: float, stops: bool
) -> None:
    shown = []
    monkeypatch.setenv("DISPLAY", ":0")
    fake = SimpleNamespace(
        error=cv2.error,
        WINDOW_NORMAL=0,
        WINDOW_KEEPRATIO=0,
        WND_PROP_VISIBLE=4,
        namedWindow=lambda _title, _flags: None,
        imshow=lambda _title, image: shown.append(image),
        waitKey=lambda _wait_ms: key,
        getWindowProperty=lambda _title, _prop: visible,
        destroyAllWindows=lambda: shown.append("closed"),
    )
    monkeypatch.setattr(window, "cv2", fake)
    stop, image = threading.Event(), picture(5)
    with window_sink("lmk", source(), stop, Reporter()) as sink:
        sink.write(result(0, 0.0, image))
        assert stop.is_set() is stops
    assert shown[0] is image
    assert shown[1] == "closed"
