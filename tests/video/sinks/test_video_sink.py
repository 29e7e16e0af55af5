from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from clips import full_disk, read_clip
from video.sinks.results import noise, picture, result, write_all

from lmk.system.errors import OutputError
from lmk.video.result import Result
from lmk.video.sinks.video import video_sink

TESTS = Path(__file__).parents[2]


def levels(path: Path) -> list[int]:
    return [round(float(frame.mean()), -1) for frame in read_clip(path)]


def times(path: Path) -> list[float]:
    """When each frame is shown, as FFmpeg reads it."""
    with av.open(path) as video:
        return [frame.time for frame in video.decode(video=0)]


def test_video_is_h264_with_frames_at_their_own_times(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.mp4"
    # Irregular, not from 0, and fine enough that no frame rate would fit.
    given = [5.0, 5.04, 5.0733, 5.5, 7.25, 7.2501]
    frames = (result(i, time_s, picture(40 + 20 * i)) for i, time_s in enumerate(given))
    write_all(video_sink(path, 12.5), frames)
    assert levels(path) == [40, 60, 80, 100, 120, 140]
    np.testing.assert_allclose(times(path), np.array(given) - 5, atol=1e-4)
    with av.open(path) as video:
        assert video.streams.video[0].codec_context.name == "h264"
    assert list(path.parent.iterdir()) == [path]


def test_video_of_an_even_rate_lasts_as_long_as_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write_all(video_sink(path, 12.5), (result(i, i / 12.5, picture(9 * i)) for i in range(10)))
    with av.open(path) as video:
        assert video.duration / av.time_base == pytest.approx(10 / 12.5, abs=0.01)
        assert float(video.streams.video[0].average_rate) == pytest.approx(12.5, rel=0.01)


def test_a_clock_that_jumps_back_loses_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    given = [0.0, 0.1, -50.0, 0.1, 0.2]
    write_all(video_sink(path), (result(i, t, picture(50 * i)) for i, t in enumerate(given)))
    shown = times(path)
    assert len(shown) == 5
    assert (np.diff(shown) > 0).all()
    assert shown[-1] == pytest.approx(0.2, abs=1e-3)


def test_colours_stay(tmp_path: Path) -> None:
    bgr = np.array([[[40, 60, 200], [60, 190, 50]], [[210, 80, 60], [120, 130, 140]]], np.uint8)
    image = bgr.repeat(32, 0).repeat(32, 1)
    write_all(video_sink(tmp_path / "out.mp4"), [result(0, 0.0, image)])
    (frame,) = read_clip(tmp_path / "out.mp4")
    np.testing.assert_allclose(frame[16::32, 16::32].astype(int), bgr, atol=4)


def test_video_of_odd_size_gets_an_even_one_and_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    image = picture(30, (65, 47))
    image[20:30, 40:50] = 200
    write_all(video_sink(path), [result(0, 0.0, image)])
    (frame,) = read_clip(path)
    assert frame.shape == (48, 66, 3)
    rows, columns, _ = np.nonzero(frame > 115)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 29, 40, 49)


def test_video_of_a_single_pixel_plays(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write_all(video_sink(path), (result(i, i / 10, picture(90 * i, (1, 1))) for i in range(3)))
    assert levels(path) == [0, 90, 180]


def test_frames_too_large_for_the_codec_are_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not support frames of 20000 x 2 pixels"):
        write_all(video_sink(tmp_path / "out.mp4"), [result(0, 0.0, picture(9, (20_000, 2)))])
    assert list(tmp_path.iterdir()) == []


def test_video_keeps_frames_whose_size_changes(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    frames = [result(0, 0.0, picture(50)), result(1, 0.1, picture(150, (128, 100)))]
    write_all(video_sink(path), frames)
    assert levels(path) == [50, 150]


def test_video_on_a_full_disk_plays_as_far_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    frames = (result(i, i / 12.5, noise(i)) for i in range(200))
    with full_disk(300_000), pytest.raises(OutputError, match="ends early, after") as caught:
        write_all(video_sink(path), frames)
    assert "Free space" in str(caught.value)
    kept = len(times(path))  # decoding raises at a broken end
    assert f"after {kept} frames" in str(caught.value)
    assert 25 <= kept < 200
    seen = read_clip(path)
    assert len(seen) == kept
    for index in (0, kept - 1):
        assert np.abs(seen[index].astype(int) - noise(index)).mean() < 15  # of another frame: 85


def test_video_whose_file_is_gone_is_an_output_error(tmp_path: Path) -> None:
    def frames() -> Iterator[Result]:
        for index in range(200):
            if index == 20:
                (tmp_path / "out.mp4").unlink()
            yield result(index, index / 12.5, noise(index))

    with full_disk(300_000), pytest.raises(OutputError, match=r"cannot write .*out\.mp4"):
        write_all(video_sink(tmp_path / "out.mp4"), frames())


def test_video_on_a_disk_full_from_the_start_leaves_no_file(tmp_path: Path) -> None:
    frames = (result(i, i / 12.5, noise(i)) for i in range(50))
    with full_disk(100), pytest.raises(OutputError, match=r"cannot write .*out\.mp4"):
        write_all(video_sink(tmp_path / "out.mp4"), frames)
    assert list(tmp_path.iterdir()) == []


ENDLESS = """
import sys, time, itertools
from pathlib import Path
from video.sinks.results import noise, result
from lmk.video.result import Result
from lmk.video.sinks.video import video_sink
with video_sink(Path(sys.argv[1])) as sink:
    for index in itertools.count():
        sink.write(result(index, index / 25, noise(index)))
        print(index, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_recording_plays_up_to_its_last_second(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    search = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
    ) as process:
        written = next(int(line) for line in process.stdout if int(line) >= 130)
        process.kill()
    seen = len(read_clip(path))
    assert written - 25 - 10 <= seen <= written + 100  # a second, and what encoder and queue held


def test_video_in_an_unusable_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "out.mp4"
    with pytest.raises(OutputError, match="cannot write"), video_sink(path):
        pytest.fail("the sink opened")


def test_video_without_frames_keeps_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"earlier")
    with video_sink(path):
        pass
    assert path.read_bytes() == b"earlier"


def test_an_error_midway_keeps_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"

    def frames() -> Iterator[Result]:
        for index in range(3):
            yield result(index, index / 10, picture(60 * index))
        raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        write_all(video_sink(path), frames())
    assert levels(path) == [0, 60, 120]
