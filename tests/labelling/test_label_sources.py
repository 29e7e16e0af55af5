"""Labels of every kind of source are those of a `Landmarker` that sees one picture at a time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

import fsspec
from label_inputs import (
    MODEL,
    SETTINGS,
    encoded,
    expected,
    pictures,
    read_labels,
    write_folder,
    write_table,
    write_tar,
    xy_of,
)

import lmk
from lmk.system.errors import DataError, UnavailableError, UsageError


def check(output: Path, images: list[np.ndarray], names: list[str]) -> list[dict]:
    rows = read_labels(output)
    np.testing.assert_allclose(xy_of(rows), expected(images), atol=2e-3)
    assert [row["name"] for row in rows] == np.repeat(names, 10).tolist()
    assert [row["frame"] for row in rows] == np.repeat(range(len(images)), 10).tolist()
    assert [row["landmark"] for row in rows] == list(range(10)) * len(images)
    assert {(row["id"], row["model"], row["error"]) for row in rows} == {(1, MODEL, None)}
    return rows


def test_a_folder_in_files_of_a_given_number_of_rows(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "in", 23)
    (tmp_path / "in" / ".hidden.png").write_bytes(b"x")
    (tmp_path / "in" / "a" / "notes.json").write_text("{}")
    done = lmk.label(tmp_path / "in", tmp_path / "out", MODEL, rows_per_file=80, **SETTINGS)
    assert (done.parts, done.earlier, done.counts.inputs) == (3, 0, 23)
    rows = read_labels(tmp_path / "out")
    by_name = {row["name"]: [r for r in rows if r["name"] == row["name"]] for row in rows}
    assert by_name.keys() == made.keys()
    found = xy_of([row for name in made for row in by_name[name]])
    np.testing.assert_allclose(found, expected([*made.values()]), atol=2e-3)
    assert sorted({row["frame"] for row in rows}) == list(range(23))
    assert {row["source"] for row in rows} == {str(tmp_path / "in")}


def test_a_list_names_files_below_its_folder_and_whole_paths(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "in", 4)
    names = [*made]
    lines = ["# pictures", names[2], "", str(tmp_path / "in" / names[0]), names[1]]
    (tmp_path / "in" / "some.txt").write_text("\r\n".join(lines))
    lmk.label(tmp_path / "in" / "some.txt", tmp_path / "out", MODEL, **SETTINGS)
    images = [made[names[i]] for i in (2, 0, 1)]
    check(tmp_path / "out", images, [names[2], lines[3], names[1]])


@pytest.mark.parametrize("form", ["bytes", "struct"])
def test_a_table_is_divided_at_its_row_groups(tmp_path: Path, form: str) -> None:
    made = pictures(11)
    cells = [encoded(image) for image in made.values()]
    if form == "struct":
        cells = [{"bytes": data, "path": name} for name, data in zip(made, cells, strict=True)]
    write_table(tmp_path / "in.parquet", cells, "picture")
    options = {"image_column": "picture", "rows_per_file": 80, **SETTINGS}
    done = lmk.label(tmp_path / "in.parquet", tmp_path / "out", MODEL, **options)
    assert done.parts == 2  # of 8 and 3 rows
    rows = check(tmp_path / "out", [*made.values()], [*made] if form == "struct" else [""] * 11)
    assert {row["source"] for row in rows} == {"in.parquet"}


def test_tars_by_a_pattern_with_what_webdataset_has_beside_pictures(tmp_path: Path) -> None:
    made = pictures(6)
    names = [*made]
    for tar, part in (("s-0.tar", names[:4]), ("s-1.tar", names[4:])):
        files = {}
        for name in part:
            files[name.replace(".png", ".cls")] = b"3"
            files[name] = encoded(made[name])
        write_tar(tmp_path / tar, files)
    done = lmk.label(str(tmp_path / "s-*.tar"), tmp_path / "out", MODEL, **SETTINGS)
    assert (done.parts, done.counts.inputs) == (2, 6)
    rows = read_labels(tmp_path / "out")
    np.testing.assert_allclose(xy_of(rows), expected([*made.values()]), atol=2e-3)
    assert [row["name"] for row in rows[::10]] == names
    assert [row["frame"] for row in rows[::10]] == [0, 1, 2, 3, 0, 1]
    assert [row["source"] for row in rows[::10]] == ["s-0.tar"] * 4 + ["s-1.tar"] * 2


def test_every_frame_of_a_video_here_and_in_object_storage(tmp_path: Path, clip: Path) -> None:
    lmk.label(clip, tmp_path / "out", MODEL, **SETTINGS)
    capture, images = cv2.VideoCapture(str(clip)), []
    while (read := capture.read())[0]:
        images.append(read[1])
    rows = check(tmp_path / "out", images, [""] * len(images))
    times = [row["time_s"] for row in rows[::10]]
    assert times[0] == 0
    assert (np.diff(times) > 0).all()
    with fsspec.open("memory://videos/dots.mkv", "wb") as file:
        file.write(clip.read_bytes())
    lmk.label("memory://videos/dots.mkv", tmp_path / "again", MODEL, **SETTINGS)
    assert [{**row, "source": ""} for row in read_labels(tmp_path / "again")] == [
        {**row, "source": ""} for row in rows
    ]


def test_source_and_output_in_object_storage(tmp_path: Path) -> None:
    made, memory = pictures(7), fsspec.filesystem("memory")
    for name, image in made.items():
        memory.pipe(f"/bucket/in/{name}", encoded(image))
    memory.pipe("/bucket/in/a/bad.png", b"nothing")
    memory.pipe("/bucket/in/.secret.png", b"nothing")
    for earlier in (0, 2):
        done = lmk.label(
            "memory://bucket/in", "memory://bucket/out", MODEL, rows_per_file=40, **SETTINGS
        )
        assert (done.parts, done.earlier) == (2, earlier)
        assert (done.counts.inputs, done.counts.errors) == (8, 1)
    assert (
        memory.cat("/bucket/out/skipped.txt") == b"a/bad.png: is not a picture of a known format\n"
    )
    memory.get("/bucket/out", str(tmp_path / "out"), recursive=True)
    rows = [row for row in read_labels(tmp_path / "out") if row["error"] is None]
    assert [row["name"] for row in rows[::10]] == [*made]
    np.testing.assert_allclose(xy_of(rows), expected([*made.values()]), atol=2e-3)
    assert not [path for path in memory.find("/bucket/out") if "partial" in path]


def test_sources_that_cannot_be_used_are_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.txt").write_text("a.docx\n")
    (tmp_path / "code.py").write_text("")
    write_table(tmp_path / "t.parquet", [b"1", b"2"], "jpg")
    for source, error, words in (
        (tmp_path / "none", DataError, "does not exist: expected a folder"),
        (tmp_path / "empty", DataError, "no picture, table, tar or video in"),
        (tmp_path / "list.txt", UsageError, "line 1 of .* is 'a.docx': expected a path"),
        (tmp_path / "code.py", UsageError, "is of an unknown type"),
        (
            tmp_path / "t.parquet",
            UsageError,
            "no column 'image' .*--image-column from label: int64",
        ),
        ("nothing://bucket", UsageError, "Protocol not known.*s3://bucket/folder"),
        (tmp_path / "*.tar", DataError, "no picture, table, tar or video in"),
    ):
        with pytest.raises(error, match=words):
            lmk.label(source, tmp_path / "out", MODEL, **SETTINGS)
    assert not (tmp_path / "out").exists()


def test_a_missing_package_of_a_storage_is_named(tmp_path: Path, monkeypatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(UnavailableError, match="Install s3fs"):
        lmk.label("s3://bucket/in", tmp_path / "out", MODEL, **SETTINGS)
