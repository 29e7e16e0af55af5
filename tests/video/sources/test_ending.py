"""Videos that end before their end, and healthy ones whose containers state too many frames."""

from __future__ import annotations

from pathlib import Path

import pytest
from video.sources.captures import FakeCapture, grey, plug
from video.sources.reports import KeptReports
from video.sources.servers import ffmpeg

from lmk.video.sources.open import open_source

PICTURE = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=2")
SOUND = ("-f", "lavfi", "-i", "sine=duration=5")
H264 = ("-c:v", "libx264", "-preset", "ultrafast")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime")
AT_FRONT = ("-movflags", "faststart")
SOME = ("-vf", r"select=not(mod(n\,7)*mod(n\,3))", "-fps_mode", "passthrough")
SLOWER = ("-vf", "setpts=N*N/TB/500", "-fps_mode", "passthrough")


def make(path: Path, *arguments: str) -> Path:
    with ffmpeg(*arguments, str(path)) as run:
        assert run.wait(20) == 0
    return path


def read(path: Path) -> tuple[int, list[str]]:
    """Read a video; how many frames it gave, and of what it warned."""
    report = KeptReports()
    with open_source(str(path), report) as source:
        return len(list(source)), report.losses


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plain.mp4", (*PICTURE, *H264)),
        ("plain.avi", (*PICTURE, "-c:v", "mpeg4")),
        ("order.mkv", (*PICTURE, "-c:v", "libx264", "-bf", "3")),
        ("order.ts", (*PICTURE, "-c:v", "libx264", "-bf", "3")),
        ("fragments.mp4", (*PICTURE, *SOUND, *H264, "-movflags", "frag_keyframe+empty_moov")),
        ("sound.mp4", (*PICTURE, *SOUND, *H264)),
        ("sound.mkv", (*PICTURE, *SOUND, *H264)),
        ("sound.avi", (*PICTURE, *SOUND, *H264)),
        ("sound.flv", (*PICTURE, *SOUND, *H264)),
        ("sound.webm", (*PICTURE, *SOUND, *VP8)),
        ("late.mkv", ("-itsoffset", "2", *PICTURE, *SOUND, *H264)),
        ("gaps.mp4", (*PICTURE, *SOME, *H264)),
        ("gaps.mkv", (*PICTURE, *SOME, *H264)),
        ("gaps.avi", (*PICTURE, *SOME, "-c:v", "mpeg4")),
        ("slower.mp4", (*PICTURE, *SLOWER, *H264)),
        ("slower.mkv", (*PICTURE, *SLOWER, *H264)),
        ("one.mp4", (*PICTURE, *H264, "-frames:v", "1")),
    ],
)
def test_healthy_videos_are_no_cause_for_a_warning(
    tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    frames, warnings = read(make(tmp_path / name, *arguments))
    assert frames == (22 if "gaps" in name else 1 if "one" in name else 50)
    assert warnings == []


def test_frames_that_an_edit_list_leaves_out_are_not_missing(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mp4", *PICTURE, *H264)
    part = make(tmp_path / "part.mp4", "-ss", "1", "-i", str(whole), "-c", "copy")
    with open_source(str(part)) as source:
        assert source.frame_count == 50
    assert read(part) == (25, [])


@pytest.mark.parametrize(
    ("name", "arguments", "stated"),
    [
        ("cut.mp4", (*PICTURE, *H264, *AT_FRONT), "50"),
        ("sound.mp4", (*PICTURE, *SOUND, *H264, *AT_FRONT), "50"),
        ("gaps.avi", (*PICTURE, *SOME, "-c:v", "mpeg4"), "50"),
        ("cut.mkv", (*PICTURE, *H264), "about 50"),
        ("sound.mkv", (*PICTURE, *SOUND, *H264), "about 125"),
        ("cut.webm", (*PICTURE, *VP8), "about 50"),
        ("cut.flv", (*PICTURE, *H264), "about 50"),
    ],
)
@pytest.mark.parametrize("zeros", [False, True], ids=["cut", "zeros"])
def test_truncated_videos_are_told(
    tmp_path: Path, name: str, arguments: tuple[str, ...], stated: str, zeros: bool
) -> None:
    """Also those of the full length that were never filled, as of a download."""
    path = make(tmp_path / name, *arguments)
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] + (bytes(len(data) - half) if zeros else b""))
    frames, warnings = read(path)
    assert 0 < frames < 45
    assert warnings == [
        f"{path} ended after {frames} of {stated} frames: the rest is missing or damaged. "
        "Copy or download it again"
    ]


def test_a_download_whose_server_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, FakeCapture([grey(1), grey(2)], [0.0, 50.0], frame_count=99.0))
    report = KeptReports()
    with open_source("http://127.0.0.1:9/clip.mp4", report) as source:
        assert len(list(source)) == 2
    assert report.losses[0].startswith("stream http://127.0.0.1:9/clip.mp4 ended after 2 of about ")


def test_a_video_that_is_closed_has_not_ended(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    plug(monkeypatch, FakeCapture([grey(1), grey(2)], frame_count=99.0))
    report = KeptReports()
    source = open_source(str(clip), report)
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []
    assert report.losses == []
