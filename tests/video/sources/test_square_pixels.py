from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from video.sources.captures import FakeCapture, grey, plug
from video.sources.reports import KeptReports
from video.sources.servers import ffmpeg

from lmk.video.sources.open import open_source


def made_with(path: Path, *arguments: str) -> Path:
    with ffmpeg(*arguments, str(path)) as run:
        assert run.wait(20) == 0
    return path


def bright_size(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero(image.mean(2) > 128)
    return columns.max() - columns.min() + 1, rows.max() - rows.min() + 1


@pytest.mark.parametrize(
    ("pixels", "drawn_wh", "size_wh"),
    [("4/3", (30, 40), (160, 90)), ("8/9", (45, 40), (120, 102)), ("1/1", (40, 40), (120, 90))],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_objects_have_their_true_shape(
    tmp_path: Path, pixels: str, drawn_wh: tuple[int, int], size_wh: tuple[int, int], suffix: str
) -> None:
    """A square, stored as a box that is too narrow or too wide."""
    box = f"color=black:size=120x90:rate=5:duration=1,drawbox=20:20:{drawn_wh[0]}:{drawn_wh[1]}"
    video = tmp_path / f"video{suffix}"
    look = f"{box}:white:fill,setsar={pixels}"
    made_with(video, "-f", "lavfi", "-i", look, "-c:v", "libx264", "-qp", "0")
    report = KeptReports()
    with open_source(str(video), report) as source:
        assert source.size_wh == size_wh
        frames = [frame.image_bgr for frame in source]
    assert {frame.shape for frame in frames} == {(size_wh[1], size_wh[0], 3)}
    width, height = bright_size(frames[-1])
    assert width == pytest.approx(height, abs=2)
    assert report.returns == (
        []
        if pixels == "1/1"
        else [
            f"video {video} has pixels that are not square: its frames are enlarged to "
            f"{size_wh[0]} x {size_wh[1]}"
        ]
    )


def test_a_turned_video_is_enlarged_along_the_other_side(tmp_path: Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=size=60x90:rate=5:duration=1,setsar=2/1")
    lying = made_with(tmp_path / "lying.mp4", *picture, "-c:v", "libx264")
    turned = tmp_path / "turned.mp4"
    made_with(turned, "-display_rotation", "90", "-i", str(lying), "-c", "copy")
    with open_source(str(lying)) as source:
        assert source.size_wh == (120, 90)
    with open_source(str(turned)) as source:
        assert source.size_wh == (90, 120)
        assert next(iter(source)).image_bgr.shape == (120, 90, 3)


@pytest.mark.parametrize("aspect", [(0, 0), (0, 1), (1, 0), (-4, 3), (5, 1), (1, 99999)])
def test_an_aspect_that_no_recorder_writes_is_ignored(
    monkeypatch: pytest.MonkeyPatch, clip: Path, aspect: tuple[int, int]
) -> None:
    capture = FakeCapture([grey(1)])
    capture.values |= {cv2.CAP_PROP_SAR_NUM: aspect[0], cv2.CAP_PROP_SAR_DEN: aspect[1]}
    plug(monkeypatch, capture)
    with open_source(str(clip)) as source:
        assert source.size_wh == (6, 8)


def test_frames_are_not_enlarged_beyond_the_largest_size(
    monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    capture = FakeCapture([np.zeros((8000, 8000), np.uint8)])
    capture.values |= {cv2.CAP_PROP_SAR_NUM: 2, cv2.CAP_PROP_SAR_DEN: 1}
    plug(monkeypatch, capture)
    with open_source(str(clip)) as source:
        assert source.size_wh == (8000, 8000)
