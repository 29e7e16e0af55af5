from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import FPS, FRAMES, HEIGHT, WIDTH, dots_at, read_clip
from colour_detector import dots_image
from video.sources.captures import FakeCapture, grey, plug
from video.sources.servers import ffmpeg

from lmk.system.errors import SourceError
from lmk.video.sources.open import open_source


def write_motion_jpeg(path: Path, images: list[np.ndarray]) -> Path:
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return path


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
    assert not source.dropped


def test_variable_rates_keep_their_times(tmp_path: Path) -> None:
    video = tmp_path / "variable.mkv"
    squares = ("-vf", "setpts=N*N", "-fps_mode", "passthrough", "-c:v", "ffv1")
    pattern = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=50:duration=0.16")
    with ffmpeg(*pattern, *squares, str(video)) as run:
        assert run.wait(20) == 0
    with open_source(str(video)) as source:
        times = [frame.time_s for frame in source]
    np.testing.assert_allclose(times, 0.02 * np.arange(8) ** 2, atol=1e-3)


def test_damaged_frames_are_skipped_and_counted(tmp_path: Path) -> None:
    """Two JPEGs of a video lose all but their length."""
    video = write_motion_jpeg(tmp_path / "clip.avi", [grey(20 * i, (48, 32)) for i in range(9)])
    whole, data = read_clip(video), bytearray(video.read_bytes())
    starts = [at for at in range(len(data)) if data[at : at + 3] == b"\xff\xd8\xff"]
    assert len(starts) == 9
    for index in (3, 6):
        data[starts[index] : starts[index + 1] - 8] = bytes(starts[index + 1] - 8 - starts[index])
    video.write_bytes(data)
    with open_source(str(video)) as source:
        frames = list(source)
    left = [0, 1, 2, 4, 5, 7, 8]
    assert source.dropped == {"damaged": 2}
    assert [frame.index for frame in frames] == list(range(7))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.array(left) / 10, atol=1e-6)
    for frame, index in zip(frames, left, strict=True):
        np.testing.assert_array_equal(frame.image_bgr, whole[index])


def test_a_long_damage_is_read_past(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    capture = FakeCapture([grey(1), *(300 * [None]), grey(2)])
    plug(monkeypatch, capture)
    with open_source(str(clip)) as source:
        assert [frame.image_bgr[0, 0, 0] for frame in source] == [1, 2]
    assert source.dropped == {"damaged": 300}
    assert capture.released


def test_a_size_that_changes_on_the_way_leaves_pictures_whole(tmp_path: Path) -> None:
    video = tmp_path / "sizes.mjpeg"
    images = [grey(40, (64, 48)), grey(80, (64, 48)), grey(160, (32, 16))]
    video.write_bytes(b"".join(cv2.imencode(".jpg", image)[1].tobytes() for image in images))
    with open_source(str(video)) as source:
        frames = [frame.image_bgr for frame in source]
    assert frames[0].shape == (48, 64, 3)
    np.testing.assert_allclose([frame.mean() for frame in frames], [40, 80, 160], atol=2)


@pytest.mark.parametrize("size_wh", [(1, 1), (7680, 4320)])
def test_the_smallest_and_the_largest_videos_are_read(
    tmp_path: Path, size_wh: tuple[int, int]
) -> None:
    image = grey(90, size_wh)
    image[-16:, -16:] = 200
    video = write_motion_jpeg(tmp_path / "clip.avi", [image])
    with open_source(str(video)) as source:
        assert source.size_wh == size_wh
        (frame,) = source
    assert frame.image_bgr.shape == image.shape
    np.testing.assert_allclose(frame.image_bgr[0, 0], image[0, 0], atol=8)
    np.testing.assert_allclose(frame.image_bgr[-1, -1], image[-1, -1], atol=8)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_with_the_name_of_a_video_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "clip.mp4"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match=r"clip\.mp4 is a device or a pipe: .* lmk run -$"):
        open_source(str(pipe))


@pytest.mark.parametrize(
    "content",
    ["#EXTM3U\n#EXTINF:3,\n{}\n", "ffconcat version 1.0\nfile {}\n", "<x/>\n<MPD><!-- {} -->"],
)
def test_a_list_of_other_files_is_refused(clip: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "list.mp4").write_text(content.format(clip))
    with pytest.raises(SourceError, match=r"list\.mp4 is a list of other files"):
        open_source(str(tmp_path / "list.mp4"))


def test_frames_too_large_for_memory_are_refused_before_any_is_read(
    monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    capture = FakeCapture([grey(1)], height=10_000.0)
    capture.values[cv2.CAP_PROP_FRAME_WIDTH] = 9_001.0
    plug(monkeypatch, capture)
    with pytest.raises(SourceError, match="9001 x 10000 pixels: expected at most 90,000,000"):
        open_source(str(clip))
    assert capture.at == -1
    assert capture.released


def test_a_video_without_frames_is_refused(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    capture = FakeCapture([])
    plug(monkeypatch, capture)
    with pytest.raises(SourceError, match="delivers no frame"):
        open_source(str(clip))
    assert capture.released


def test_a_recording_whose_server_falls_silent_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stalling(FakeCapture):
        def read(self):
            if self.at == 1:
                time.sleep(2.0)  # as OpenCV's timeout has it
            return super().read()

    plug(monkeypatch, Stalling([grey(1), grey(2)], [0.0, 50.0], frame_count=99.0))
    with open_source("http://host/clip.mp4") as source:
        frames = iter(source)
        assert [next(frames).index, next(frames).index] == [0, 1]
        with pytest.raises(SourceError, match=r"clip\.mp4 stopped after 0\.1 s"):
            next(frames)


def test_closing_in_another_thread_ends_the_iteration(
    monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    """A video that would last for ever; reading what is released would crash."""
    read_again = threading.Event()

    class Endless(FakeCapture):
        def read(self):
            assert not self.released
            if self.at == 0:
                read_again.set()
            self.at = 0
            return True, grey(1)

    capture, errors = Endless([grey(1)]), list[BaseException]()
    plug(monkeypatch, capture)
    source = open_source(str(clip))

    def read_all() -> None:
        try:
            for _ in source:
                pass
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read_all)
    reader.start()
    assert read_again.wait(10)
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    assert not errors
    assert capture.released
