from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
from clips import read_clip
from video.sinks.results import picture, result, write_all

from lmk.system.errors import UsageError
from lmk.video.sinks.choose import check_output, open_output
from lmk.video.sinks.split import file_stem, file_stems

PICTURES = {"still": True, "fps": None}


def source(**more: object) -> SimpleNamespace:
    defaults = {"title": "clip", "fps": 12.5, "live": False, "still": False, "frame_count": None}
    return SimpleNamespace(**(defaults | more))


@pytest.mark.parametrize(
    ("sources", "text", "output"),
    [
        ([source()], "clip.avi", "out.avi"),
        ([source()], "clip.avi", "folder"),
        ([source(**PICTURES, frame_count=1)], "a.png", "out.mp4"),
        ([source(**PICTURES, frame_count=3)], "{folder}", "out.png"),
        ([source(**PICTURES, frame_count=1)], "{folder}", "out.png"),
        ([source(**PICTURES, frame_count=1)], "a.png", "a.png"),
        ([source(**PICTURES, frame_count=2)], "{folder}", "{folder}"),
        ([source()], "clip.avi", "taken.mp4"),
        ([source()], "clip.avi", "taken.csv"),
        ([source(), source(title="b")], "clip.avi", "out.mp4"),
        ([source()], "rows.csv", "rows.csv"),
    ],
)
def test_outputs_that_do_not_fit_the_sources_are_wrong_usage(
    tmp_path: Path, sources: list, text: str, output: str
) -> None:
    for name in ("folder", "taken.mp4", "taken.csv"):
        (tmp_path / name).mkdir()
    place = {"folder": str(tmp_path / "folder")}
    texts = [str(tmp_path / text.format(**place)), "other"][: len(sources)]
    with pytest.raises(UsageError):
        check_output(tmp_path / output.format(**place), sources, texts)


def test_nothing_is_written_over_a_source(tmp_path: Path) -> None:
    for name in ("in/a.mp4", "in/b.mp4", "cats/a.png", "dogs/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link.mp4").hardlink_to(tmp_path / "in/a.mp4")
    (tmp_path / "there").symlink_to(tmp_path / "cats")
    clips = [str(tmp_path / name) for name in ("in/a.mp4", "in/b.mp4")]
    folders = [str(tmp_path / name) for name in ("cats", "dogs")]
    two_clips = [source(title=f"video {text}") for text in clips]
    two_folders = [source(**PICTURES, title=text, frame_count=2) for text in folders]
    for output, sources, texts in (
        ("in", two_clips, clips),
        ("link.mp4", two_clips[:1], clips[:1]),
        (".", two_folders, folders),
        ("cats/found", two_folders[:1], folders[:1]),
        ("there", two_folders[:1], folders[:1]),
        ("there/found", two_folders, folders),
    ):
        with pytest.raises(UsageError, match="source"):
            check_output(tmp_path / output, sources, texts)
    check_output(tmp_path / "out", two_clips, clips)
    check_output(tmp_path / "in/found", two_clips, clips)
    check_output(tmp_path / "in/found.mp4", two_clips[:1], clips[:1])
    check_output(tmp_path / "cats/found.jsonl", two_folders[:1], folders[:1])


def test_no_result_is_written_over_one_of_several_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "more/a.png", "other/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    texts = ["a.png", "b.png", "more/a.png"]
    together = [source(**PICTURES, title=".", frame_count=3)]
    for output in (".", "more", "link"):
        with pytest.raises(UsageError, match=r"would write over .*a\.png, which is a source"):
            check_output(tmp_path / output, together, texts)
    check_output(tmp_path / "out", together, texts)
    check_output(tmp_path / "other", together, texts)
    beside = [*together, source(**PICTURES, title="other", frame_count=1)]
    check_output(tmp_path / "out", beside, [*texts, "other"])


def test_outputs_that_fit_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    check_output(tmp_path / "out.mp4", [source()], ["clip.avi"])
    check_output(tmp_path / "out.JPG", [source(**PICTURES, frame_count=1)], ["a.png"])
    check_output(tmp_path / "out", [source(**PICTURES, frame_count=2)], [str(tmp_path / "in")])
    check_output(tmp_path / "out", [source(), source(title="b")], ["a.avi", "b.avi"])
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        check_output(tmp_path / name, [source(), source(**PICTURES)], ["a.avi", "b.png"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.CSV", "a.parquet", "a.mp4"])
def test_the_suffix_chooses_the_sink(tmp_path: Path, name: str) -> None:
    write_all(open_output(tmp_path / name, [source()]), [result(0, 0.0, picture(9))])
    starts = {".jsonl": b'{"source"', ".csv": b"source,", ".parquet": b"PAR1", ".mp4": b"ftyp"}
    written = next(path for path in tmp_path.rglob("*") if path.is_file())
    assert starts[Path(name).suffix.lower()] in written.read_bytes()[:10]


def test_several_sources_get_a_file_each(tmp_path: Path) -> None:
    titles = ["video in/a.avi", "camera 0", "video other/a.mkv"]
    sources = [source(title=title) for title in titles]
    frames = [result(i // 3, i / 30, picture(20 * i), source=titles[i % 3]) for i in range(9)]
    write_all(open_output(tmp_path / "out", sources), frames)
    levels = {
        path.name: [round(float(frame.mean()), -1) for frame in read_clip(path)]
        for path in (tmp_path / "out").iterdir()
    }
    expected = {"a.mp4": [0, 60, 120], "camera-0.mp4": [20, 80, 140], "a-2.mp4": [40, 100, 160]}
    assert levels == expected


def test_several_folders_of_pictures_get_a_folder_each(tmp_path: Path) -> None:
    titles = ["cats/new", "dogs/new"]
    sources = [source(title=title, **PICTURES) for title in titles]
    frames = [result(0, 0.0, picture(50 + i), "a.png", titles[i]) for i in range(2)]
    write_all(open_output(tmp_path / "out", sources), frames)
    assert cv2.imread(str(tmp_path / "out" / "new" / "a.png")).mean() == 50
    assert cv2.imread(str(tmp_path / "out" / "new-2" / "a.png")).mean() == 51


def test_a_pipeline_longer_than_a_file_name_can_be_meets_nothing(tmp_path: Path) -> None:
    pipeline = f"videotestsrc pattern=ball ! {'queue ! ' * 40}appsink"
    check_output(tmp_path / "out.mp4", [source()], [pipeline])


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("video /home/a b/clip one.final.mp4", "clip-one-final"),
        ("camera 0", "camera-0"),
        ("stream rtsp://10.0.0.7:554/live/", "live"),
        ("stream rtsp://10.0.0.7:554", "10-0-0-7-554"),
        ("/", "source"),
    ],
)
def test_titles_become_file_names(title: str, stem: str) -> None:
    assert file_stem(title) == stem


@pytest.mark.parametrize("title", ["é" * 300, "a" * 999 + ".mp4", "日" * 90, "\U0001d4d0" * 70])
def test_file_names_of_long_titles_fit_into_file_systems(title: str, tmp_path) -> None:
    stems = file_stems([title + " 1", title + " 2", title])
    assert len(set(stems.values())) == 3
    for stem in stems.values():
        assert len(f"{stem}.mp4".encode()) < 230
        (tmp_path / f"{stem}.mp4").touch()


def test_file_names_have_no_control_characters_and_no_bytes_that_are_not_text() -> None:
    assert file_stem("a\x00b\x1b[31m\n\udce9\u202ec.mp4") == "a-b-31m-c"


def test_file_names_differ_by_more_than_case() -> None:
    assert file_stems(["x/Cam.mp4", "y/cam.mp4"]) == {"x/Cam.mp4": "Cam", "y/cam.mp4": "cam-2"}
