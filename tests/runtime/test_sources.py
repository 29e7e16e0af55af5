from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from runtime.clips import FPS, FRAMES, HEIGHT, WIDTH, dots_at, save_clip
from runtime.colour_detector import dots_image

from lmk.errors import SourceError, UsageError
from lmk.runtime.sources import open as sources
from lmk.runtime.sources.open import open_source


def save_picture(path: Path, level: int, size_wh: tuple[int, int] = (31, 17)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    image[:] = (level, 2 * level, 3 * level)
    cv2.imwrite(str(path), image)


def test_image_is_one_bgr_frame(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", 20)
    with open_source(str(tmp_path / "a.png")) as source:
        frames = list(source)
        assert (source.fps, source.size_wh, source.live, source.still) == (
            None,
            (31, 17),
            False,
            True,
        )
    (frame,) = frames
    assert (frame.index, frame.time_s, frame.name) == (0, 0.0, "a.png")
    assert frame.image_bgr[3, 4].tolist() == [20, 40, 60]
    assert frame.image_bgr.flags.c_contiguous


def test_folder_gives_its_images_sorted_with_their_names(tmp_path: Path) -> None:
    for name, level in (("b.png", 2), ("a.bmp", 1), ("c/a.png", 3)):
        save_picture(tmp_path / name, level, (10 + level, 9))
    (tmp_path / "notes.txt").write_text("no image")
    with open_source(str(tmp_path)) as source:
        assert source.frame_count == 3
        frames = list(source)
    assert [frame.name for frame in frames] == ["a.bmp", "b.png", "c/a.png"]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.image_bgr.shape[1] for frame in frames] == [11, 12, 13]


def test_video_gives_frames_with_the_containers_times(clip: Path) -> None:
    with open_source(str(clip)) as source:
        assert source.size_wh == (WIDTH, HEIGHT)
        assert source.fps == pytest.approx(FPS)
        assert (source.frame_count, source.live, source.still) == (FRAMES, False, False)
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(FRAMES) / FPS, atol=1e-3)
    for index in (0, FRAMES - 1):
        expected = dots_image((WIDTH, HEIGHT), dots_at(index))
        np.testing.assert_array_equal(frames[index].image_bgr, expected)


class FakeCapture:
    """A camera or container that gives `times_ms` for its frames."""

    def __init__(self, times_ms: list[float], fps: float = 20.0) -> None:
        self.times, self.fps, self.at = times_ms, fps, -1
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.at += 1
        good = self.at < len(self.times)
        return good, np.zeros((8, 6, 3), np.uint8) if good else None

    def get(self, prop: int) -> float:
        values = {
            cv2.CAP_PROP_FPS: self.fps,
            cv2.CAP_PROP_FRAME_COUNT: -1.0,
            cv2.CAP_PROP_POS_MSEC: self.times[min(self.at, len(self.times) - 1)],
        }
        return values[prop]

    def release(self) -> None:
        self.released = True


def fake(monkeypatch: pytest.MonkeyPatch, capture: FakeCapture) -> None:
    monkeypatch.setattr(sources, "_open_capture", lambda _address: capture)


@pytest.mark.parametrize(
    ("times_ms", "expected"),
    [
        ([300, 333, 400, 480], [0, 0.033, 0.1, 0.18]),  # variable rate, late start
        ([0, 0, 0, 0], [0, 0.05, 0.1, 0.15]),  # none: the rate's
        ([0, 50, 20, 130], [0, 0.05, 0.1, 0.13]),  # one runs backwards
        ([0, float("nan"), float("nan"), 160], [0, 0.05, 0.1, 0.16]),
    ],
)
def test_video_times_always_grow(
    monkeypatch: pytest.MonkeyPatch, clip: Path, times_ms: list[float], expected: list[float]
) -> None:
    fake(monkeypatch, FakeCapture(times_ms))
    with open_source(str(clip)) as source:
        np.testing.assert_allclose([f.time_s for f in source], expected, atol=1e-9)


def test_camera_times_are_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = FakeCapture([0, 0, 0], fps=90000.0)
    fake(monkeypatch, capture)
    clock = iter([100.0, 100.375, 101.0, 101.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with open_source("webcam:3") as source:
        assert source.live
        assert source.fps is None  # 90000 is no frame rate
        assert source.frame_count is None
        assert [frame.time_s for frame in source] == [0.0, 0.375, 1.0]
    assert capture.released


@pytest.mark.parametrize("text", ["webcam:x", "webcam:-1", "webcam:1.5"])
def test_a_camera_that_is_no_number_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="webcam:NUMBER"):
        open_source(text)


def write_bad(tmp_path: Path, name: str, content: bytes) -> str:
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)


def test_bad_sources_are_one_line_errors(tmp_path: Path) -> None:
    whole = save_clip(tmp_path / "whole.mp4").read_bytes()
    empty = tmp_path / "folder"
    empty.mkdir()
    cases = {
        str(tmp_path / "none.mp4"): "no file or folder",
        str(empty): "no images below",
        write_bad(tmp_path, "empty.png", b""): "not a picture",
        write_bad(tmp_path, "text.jpg", b"no picture"): "not a picture",
        write_bad(tmp_path, "empty.mp4", b""): "cannot be opened",
        write_bad(tmp_path, "bad_001.mp4", b"no video" * 99): "cannot be opened",
        write_bad(tmp_path, "cut.mp4", whole[: len(whole) // 2]): "cannot be opened",
        "webcam:97": "camera 97 cannot be opened",
        "http://user:secret@127.0.0.1:9/live": "stream http://127.0.0.1:9/live cannot be opened",
    }
    for text, words in cases.items():
        with pytest.raises(SourceError, match=words) as caught:
            open_source(text)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_a_video_without_frames_is_refused(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    capture = FakeCapture([])
    fake(monkeypatch, capture)
    with pytest.raises(SourceError, match="gives no frame"):
        open_source(str(clip))
    assert capture.released


def test_a_broken_image_within_a_folder_is_named(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", 5)
    write_bad(tmp_path, "b.png", b"no picture")
    with open_source(str(tmp_path)) as source, pytest.raises(SourceError, match=r"b\.png"):
        list(source)
