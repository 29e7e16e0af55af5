from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest
from clips import save_clip
from video.sources.captures import FakeCapture, grey, plug

from lmk.system.errors import SourceError, UnavailableError, UsageError
from lmk.system.progress import Reporter
from lmk.video.sources import pictures
from lmk.video.sources.open import open_source, open_sources

PIPELINE = "videotestsrc ! videoconvert ! video/x-raw,format=BGR ! appsink"


def save_picture(path: Path, level: int, size_wh: tuple[int, int] = (31, 17)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    image[:] = (level, 2 * level, 3 * level)
    cv2.imwrite(str(path), image)


def with_gstreamer(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(
        cv2.videoio_registry, "hasBackend", lambda api: there or api != cv2.CAP_GSTREAMER
    )


def test_image_is_one_bgr_frame(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", 20)
    with open_source(str(tmp_path / "a.png")) as source:
        frames = list(source)
        assert (source.fps, source.size_wh) == (None, (31, 17))
        assert (source.live, source.still) == (False, True)
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


def test_a_folder_that_is_closed_ends(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_picture(tmp_path / name, 5)
    source = open_source(str(tmp_path))
    frames = iter(source)
    assert next(frames).name == "a.png"
    source.close()
    assert list(frames) == []


def test_broken_images_within_a_folder_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.png", "c.png"):
        write_bad(tmp_path, name, b"no picture")
    for name, level in (("b.png", 5), ("d.png", 9)):
        save_picture(tmp_path / name, level)
    write_bad(tmp_path, "e.gif", b"GIF89a")
    with open_source(str(tmp_path), Reporter()) as source:
        given = [(frame.index, frame.name) for frame in source]
        assert given == [(0, "b.png"), (1, "d.png")]
        assert source.dropped == {"damaged": 2}
    said = capsys.readouterr().err
    assert said.count("skipped") == 3
    assert "e.gif, which may be an animation: use it as a source of its own" in " ".join(
        said.split()
    )
    assert "c.png is not a picture" in " ".join(said.split())
    for name in ("b.png", "d.png"):
        (tmp_path / name).unlink()
    with pytest.raises(SourceError, match=r"no picture of .* can be read"):
        open_source(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "place", "api", "title"),
    [
        ("webcam", 0, cv2.CAP_ANY, "camera 0"),
        ("webcam:3", 3, cv2.CAP_ANY, "camera 3"),
        ("/dev/video2", "/dev/video2", cv2.CAP_V4L2, "camera /dev/video2"),
        ("udp://host:1", "udp://host:1", cv2.CAP_FFMPEG, "stream udp://host:1"),
        (PIPELINE, PIPELINE, cv2.CAP_GSTREAMER, "pipeline videotestsrc ! ..."),
    ],
)
def test_live_sources_open_what_their_text_says(
    monkeypatch: pytest.MonkeyPatch, text: str, place: str | int, api: int, title: str
) -> None:
    with_gstreamer(monkeypatch, there=True)
    devices = plug(monkeypatch, FakeCapture([grey(1)], fps=90000.0))
    with open_source(text) as source:
        assert devices.asked == [(place, api)]
        assert (source.title, source.live, source.still) == (title, True, False)
        assert source.fps is None  # 90000 is no frame rate
        assert source.frame_count is None
    assert devices.captures[0].released


@pytest.mark.parametrize("text", ["http://host/clip.mp4", PIPELINE])
def test_a_stream_of_known_length_is_a_recording(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with_gstreamer(monkeypatch, there=True)
    plug(monkeypatch, FakeCapture([grey(1), grey(2)], [0.0, 50.0], frame_count=2.0))
    with open_source(text) as source:
        assert (source.live, source.frame_count) == (False, 2)
        assert [frame.time_s for frame in source] == pytest.approx([0, 0.05])


def test_a_pipeline_needs_an_opencv_with_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gstreamer(monkeypatch, there=False)
    text = "rtspsrc location=rtsp://user:secret@host ! decodebin ! appsink"
    with pytest.raises(UnavailableError, match="apt install python3-opencv") as caught:
        open_source(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "version", "limited"),
    [
        ("rtsp://host", "4.6.0", True),
        (PIPELINE, "4.6.0", False),  # would not open
        (PIPELINE, "4.10.0", True),
        ("webcam", "4.10.0", False),
    ],
)
def test_reads_from_networks_are_limited_to_two_seconds(
    monkeypatch: pytest.MonkeyPatch, text: str, version: str, limited: bool
) -> None:
    with_gstreamer(monkeypatch, there=True)
    monkeypatch.setattr(cv2, "__version__", version)
    devices = plug(monkeypatch, FakeCapture([grey(1)]))
    open_source(text).close()
    limits = dict(zip(devices.parameters[::2], devices.parameters[1::2], strict=True))
    assert limits.get(cv2.CAP_PROP_READ_TIMEOUT_MSEC) == (2000 if limited else None)


def test_grey_frames_of_a_pipeline_get_three_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gstreamer(monkeypatch, there=True)
    plug(monkeypatch, FakeCapture([np.full((4, 7), 9, np.uint8)]))
    with open_source(PIPELINE) as source:
        frame = next(iter(source))
    assert frame.image_bgr.shape == (4, 7, 3)
    assert (frame.image_bgr == 9).all()


@pytest.mark.parametrize(
    "raw",
    [np.zeros((6, 7), np.uint8), np.zeros((4, 7, 2), np.uint8), np.zeros((4, 7, 4), np.uint8)],
    ids=["NV12", "UYVY", "BGRx"],
)
def test_raw_video_of_a_pipeline_is_refused(
    monkeypatch: pytest.MonkeyPatch, raw: np.ndarray
) -> None:
    """NV12 of 4 rows has its colours in 2 more, in one channel."""
    with_gstreamer(monkeypatch, there=True)
    plug(monkeypatch, FakeCapture([raw], height=4))
    expected = (
        r"^pipeline .* delivers arrays \(.*\) for frames 4 high: .*! videoconvert ! .*=BGR ! "
    )
    with pytest.raises(SourceError, match=expected):
        open_source(PIPELINE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("webcam:x", "webcam:NUMBER"),
        ("webcam:-1", "webcam:NUMBER"),
        ("webcam:1.5", "webcam:NUMBER"),
        ("v4l2src ! videoconvert", "ends in .* appsink, got v4l2src"),
        ("v4l2src ! appsink ! fakesink", "ends in .* appsink"),
    ],
)
def test_texts_that_mean_nothing_are_wrong_usage(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_source(text)


def write_bad(tmp_path: Path, name: str, content: bytes) -> str:
    (tmp_path / name).write_bytes(content)
    return str(tmp_path / name)


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs files below /dev")
def test_a_file_below_dev_is_no_camera() -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "a.png"
        cv2.imwrite(str(path), np.full((20, 30, 3), 7, np.uint8))
        with open_source(str(path)) as source:
            assert source.still


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
        "/dev/video97": "camera /dev/video97 cannot be opened",
        "rtsp:/user:secret@10.0.0.5/live": r"no file or folder at \*\*\*@10.0.0.5/live:",
        "user:secret@10.0.0.5:8080/video": r"no file or folder at \*\*\*@10.0.0.5:8080/video:",
        "photos/icon@2x.png": "no file or folder at photos/icon@2x.png:",
        "http://user:secret@127.0.0.1:9/live?key=secret": (
            r"stream http://\*\*\*@127.0.0.1:9/live\?\*\*\* refuses the connection"
        ),
    }
    for text, words in cases.items():
        with pytest.raises(SourceError, match=words) as caught:
            open_source(text)
        assert "\n" not in str(caught.value)
        assert "secret" not in str(caught.value)


def test_the_content_of_a_file_decides_whether_it_is_a_picture(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", 20)
    for name in ("photo.jfif", "photo", "12:30:00.2024", "clip.mp4"):
        copy = tmp_path / name
        copy.write_bytes((tmp_path / "a.png").read_bytes())
        with open_source(str(copy)) as source:
            assert source.still
            assert [frame.name for frame in source] == [name]
    heic = write_bad(tmp_path, "a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(SourceError, match=r"a\.heic .*: convert HEIC first, .* heif-convert"):
        open_source(heic)


def test_a_video_of_jpegs_is_no_picture(tmp_path: Path) -> None:
    jpegs = [cv2.imencode(".jpg", np.full((32, 48, 3), 50 * i, np.uint8))[1] for i in range(3)]
    clip = write_bad(tmp_path, "clip.mjpeg", b"".join(jpeg.tobytes() for jpeg in jpegs))
    with open_source(clip) as source:
        assert not source.still
        assert len(list(source)) == 3


@pytest.mark.parametrize("name", [b"12:30:00.mp4", b"caf\xe9.mp4", b"a:b=+\n.mp4"])
def test_a_video_may_have_any_name_of_the_file_system(
    tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = save_clip(tmp_path / "whole.mp4")
    monkeypatch.chdir(tmp_path)
    text = os.fsdecode(name)
    Path(text).parent.mkdir(parents=True, exist_ok=True)
    whole.rename(text)
    with open_source(text) as source:
        assert source.title == text.replace("\udce9", r"\xe9")
        assert len(list(source)) > 0


def test_a_picture_may_have_any_name_of_the_file_system(tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png", 20)
    path = (tmp_path / "a.png").rename(tmp_path / os.fsdecode(b"caf\xe9.png"))
    for text in (path, tmp_path):
        with open_source(str(text)) as source:
            assert [frame.name for frame in source] == [r"caf\xe9.png"]


def test_several_picture_files_are_one_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for level, name in enumerate(("b.png", "more/a.png", "a.png", "more/c.png"), 1):
        save_picture(tmp_path / "photos" / name, level)
    read = []
    whole = pictures.read_image
    monkeypatch.setattr(pictures, "read_image", lambda path: read.append(path) or whole(path))
    monkeypatch.chdir(tmp_path)
    texts = ["photos/b.png", "photos/more/a.png", "photos/a.png"]
    with open_sources(texts) as (source,):
        assert len(read) == 1, "the others are not in memory yet"
        assert (source.title, source.frame_count) == ("photos", 3)
        frames = list(source)
    assert [frame.name for frame in frames] == ["b.png", "more/a.png", "a.png"]
    assert [int(frame.image_bgr[0, 0, 0]) for frame in frames] == [1, 2, 3]
    with open_sources([*texts[:1], "photos/more", *texts[2:]]) as opened:
        assert [source.title for source in opened] == ["photos", "photos/more"]
    with open_sources([str(tmp_path / text) for text in texts]) as (source,):
        assert source.title == str(tmp_path / "photos")
    with (
        pytest.raises(UsageError, match=r"different sources, got a\.png twice"),
        open_sources(["photos/a.png", "photos/b.png", "./photos/a.png"]),
    ):
        pass


def test_unreadable_ones_of_several_pictures_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_picture(tmp_path / "b.png", 7)
    texts = [write_bad(tmp_path, "a.png", b"no picture"), str(tmp_path / "b.png")]
    with open_sources(texts, Reporter()) as (source,):
        assert [frame.name for frame in source] == ["b.png"]
        assert source.dropped == {"damaged": 1}
    assert "a.png is not a picture" in " ".join(capsys.readouterr().err.split())
    with (
        pytest.raises(SourceError, match="no file or folder"),
        open_sources([*texts, "absent.png"]),
    ):
        pass


def test_streams_that_differ_in_what_is_hidden_are_numbered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plug(monkeypatch, *(FakeCapture([grey(1)]) for _ in range(4)))
    texts = ["http://h/a?cam=1", "http://h/b", "http://h/a?cam=2", "http://h/a?cam=3"]
    with open_sources(texts) as sources:
        assert [source.title for source in sources] == [
            "stream http://h/a?***",
            "stream http://h/b",
            "stream http://h/a?*** (2)",
            "stream http://h/a?*** (3)",
        ]


@pytest.mark.parametrize("texts", [["http://h/a?cam=1"] * 2, ["webcam", "webcam:0"]])
def test_a_repeated_source_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    plug(monkeypatch, *(FakeCapture([grey(1)]) for _ in range(2)))
    with pytest.raises(UsageError, match="expected different sources"), open_sources(texts):
        pass
