from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from video.sources.captures import grey
from video.sources.reports import KeptReports
from video.sources.servers import ffmpeg

from lmk.system.errors import SourceError, UsageError
from lmk.video.sources import pipe
from lmk.video.sources.open import open_source

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="waits for pipes")


@contextmanager
def piped(monkeypatch: pytest.MonkeyPatch, *parts: bytes | Callable[[], object]) -> Iterator[None]:
    """Let another thread write bytes into standard input, call what is no bytes, and end it."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as file:
            for part in parts:
                if isinstance(part, bytes):
                    file.write(part)
                else:
                    part()

    writer = threading.Thread(target=write)
    with os.fdopen(reading, "rb") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        writer.start()
        yield
        writer.join(10)
        assert not writer.is_alive()


def noise(seed: int, size_wh: tuple[int, int] = (5, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)


def jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


@pytest.mark.parametrize("order", ["bgr24", "rgb24"])
def test_raw_frames_come_in_their_channel_order(monkeypatch, order: str) -> None:
    images = [noise(seed) for seed in range(3)]
    data = b"".join((i if order == "bgr24" else i[:, :, ::-1]).tobytes() for i in images)
    # Parts that end in the middle of a frame.
    parts = (data[:20], data[20:50], data[50:])
    with piped(monkeypatch, *parts), open_source(f"stdin:{order}:5x3@12.5") as source:
        assert (source.fps, source.size_wh, source.live) == (12.5, (5, 3), False)
        frames = list(source)
    for frame, image in zip(frames, images, strict=True):
        np.testing.assert_array_equal(frame.image_bgr, image)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.08, 0.16])
    assert not source.dropped


@pytest.mark.parametrize("size_wh", [(1, 1), (7680, 4320)])
def test_the_smallest_and_the_largest_raw_frames(monkeypatch, size_wh: tuple[int, int]) -> None:
    image = grey(90, size_wh)
    image[-1, -1] = (1, 2, 3)
    text = f"stdin:bgr24:{size_wh[0]}x{size_wh[1]}@1"
    with piped(monkeypatch, image.tobytes()), open_source(text) as source:
        (frame,) = source
    assert np.array_equal(frame.image_bgr, image)


def test_an_end_in_the_middle_of_a_frame_is_counted(monkeypatch) -> None:
    parts = (noise(0).tobytes(), noise(1).tobytes()[:44])
    with piped(monkeypatch, *parts), open_source("stdin:bgr24:5x3") as source:
        assert len(list(source)) == 1
    assert source.dropped == {"truncated": 1}


def test_jpegs_are_decoded_whatever_their_size(monkeypatch) -> None:
    images = [grey(40, (64, 48)), grey(80, (64, 48)), grey(160, (33, 17))]
    damaged = jpeg(images[0])[:20] + b"\xff\xd9"  # no more than its first header
    parts = [jpeg(images[0]), damaged, jpeg(images[1]), jpeg(images[2]), jpeg(images[0])[:-9]]
    with piped(monkeypatch, b"".join(parts)), open_source("stdin:mjpeg@10") as source:
        frames = list(source)
    for frame, image in zip(frames, images, strict=True):
        np.testing.assert_allclose(frame.image_bgr, image, atol=3)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2])
    assert source.dropped == {"damaged": 1, "truncated": 1}


def test_jpegs_too_large_for_memory_are_left_out_and_counted(monkeypatch) -> None:
    picture = jpeg(grey(40, (64, 48)))
    huge = picture.replace(b"\0\x30\0\x40", b"\x7f\xff\x7f\xff", 1)
    assert huge != picture
    with piped(monkeypatch, picture + huge + picture), open_source("stdin:mjpeg@10") as source:
        assert len(list(source)) == 2
    assert source.dropped == {"more than 90,000,000 pixels": 1}


def test_without_a_rate_it_is_live(monkeypatch) -> None:
    picture = jpeg(grey(7))
    with (
        piped(monkeypatch, picture, lambda: time.sleep(0.2), picture),
        open_source("stdin") as source,
    ):
        assert (source.live, source.fps, source.frame_count) == (True, None, None)
        times = [frame.time_s for frame in source]
    assert times[0] == 0
    assert 0.1 < times[1] < 10


def test_a_program_that_pauses_is_waited_for_and_reported(monkeypatch) -> None:
    monkeypatch.setattr(pipe, "READ_TIMEOUT_S", 0.1)
    picture, report = jpeg(grey(7)), KeptReports()
    parts = (picture, lambda: time.sleep(0.6), picture)
    with piped(monkeypatch, *parts), open_source("-", report) as source:
        assert len(list(source)) == 2
    assert report.losses == ["standard input delivers no more frames: waiting for more"]
    assert report.returns[0].startswith("standard input is back after 0.")


def test_closing_ends_the_wait_for_the_next_frame(monkeypatch) -> None:
    done = threading.Event()
    picture = jpeg(grey(7))
    with piped(monkeypatch, picture + picture[:40], lambda: done.wait(10)):
        source = open_source("-")
        frames = list[int]()
        reader = threading.Thread(target=lambda: frames.extend(f.index for f in source))
        reader.start()
        time.sleep(0.2)
        source.close()
        reader.join(5)
        assert not reader.is_alive()
        done.set()
    assert frames == [0]
    assert not source.dropped  # the half frame is nobody's fault


def test_ffmpeg_can_write_into_it(monkeypatch) -> None:
    pattern = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=0.4")
    with ffmpeg(*pattern, "-f", "mjpeg", "-", stdout=subprocess.PIPE) as process:
        monkeypatch.setattr(sys, "stdin", process.stdout)
        with open_source("stdin:mjpeg@25") as source:
            frames = list(source)
    assert len(frames) == 10
    assert all(frame.image_bgr.shape == (48, 64, 3) for frame in frames)
    assert not source.dropped


def test_a_file_needs_a_rate(monkeypatch, tmp_path: Path) -> None:
    path = tmp_path / "frames.mjpeg"
    path.write_bytes(3 * jpeg(grey(7)))
    with path.open("rb") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(UsageError, match="is a file: add its frame rate"):
            open_source("-")
        with open_source("stdin:mjpeg@25") as source:
            assert len(list(source)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "stdin:",
        "stdin:bgr24",
        "stdin:bgr24:5",
        "stdin:yuv:5x3",
        "stdin:bgr24:0x3",
        "stdin:bgr24:99999x99999@25",
        "stdin:mjpeg@0",
        "stdin:mjpeg@0.0001",
        f"stdin:mjpeg@{'9' * 400}",
        "stdin:bgr24:5x3@fast",
    ],
)
def test_other_formats_are_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected .*, got stdin:"):
        open_source(text)


def test_a_terminal_is_wrong_usage(monkeypatch) -> None:
    pty = pytest.importorskip("pty")
    ends = pty.openpty()
    with os.fdopen(ends[1], "rb", buffering=0) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(UsageError, match="is a terminal: pipe frames into it"):
            open_source("-")
    os.close(ends[0])


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 half"])
def test_what_holds_no_frame_is_an_error(monkeypatch, data: bytes) -> None:
    with (
        piped(monkeypatch, data),
        pytest.raises(SourceError, match="ends without a complete frame"),
    ):
        open_source("-")


def test_a_pipe_that_gives_nothing_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(pipe, "OPEN_TIMEOUT_S", 0.2)
    done = threading.Event()
    with piped(monkeypatch, lambda: done.wait(10)):
        with pytest.raises(SourceError, match="delivers no bytes"):
            open_source("-")
        done.set()


def test_no_standard_input_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        open_source("-")
