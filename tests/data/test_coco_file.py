from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lmk.data.coco_file import CocoImages, as_text, image_files, read_coco
from lmk.system.errors import DataError


def listed(folder: Path, *names: str, outside: bool = False) -> list[Path]:
    """The paths of a file's pictures with these names."""
    images = [{"id": i, "file_name": name} for i, name in enumerate(names)]
    file = folder / "set.json"
    file.write_text(json.dumps({"images": images}))
    return image_files(file, read_coco(file, CocoImages), outside)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_pictures_are_beside_the_file_or_in_images(tmp_path: Path) -> None:
    paths = [touch(tmp_path / name) for name in ("a.png", "images/b.png", "images/c/d.png")]
    assert listed(tmp_path, "a.png", "b.png", "c/d.png") == paths
    assert listed(tmp_path, "images/a.png", "images/b.png", "./images/c/d.png") == paths


def test_names_written_on_windows_have_the_same_pictures(tmp_path: Path) -> None:
    paths = [touch(tmp_path / name) for name in ("a/b.png", "images/c/d.png", "e.png")]
    assert listed(tmp_path, r"a\b.png", r"c\d.png", r"images\e.png") == paths


@pytest.mark.skipif(os.sep == "\\", reason="a backslash is a separator here")
def test_a_backslash_may_be_a_character_of_a_name(tmp_path: Path) -> None:
    path = touch(tmp_path / r"a\b.png")
    touch(tmp_path / "a" / "b.png")
    assert listed(tmp_path, r"a\b.png") == [path]


@pytest.mark.parametrize(
    "name", ["/etc/a.png", r"C:\a.png", "C:/a.png", r"\\server\share\a.png", "../a.png", "a/..",
             r"a\..\..\b.png"]
)  # fmt: skip
def test_names_that_leave_the_folder_are_refused_unless_allowed(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"images\[1\]\.file_name is .* lmk data pack --outside"):
        listed(tmp_path, "b.png", name)
    assert len(listed(tmp_path, "b.png", name, outside=True)) == 2


def test_pictures_outside_are_found_when_they_are_allowed(tmp_path: Path) -> None:
    paths = [touch(tmp_path / name) for name in ("a.png", "b.png")]
    folder = tmp_path / "set"
    folder.mkdir()
    found = listed(folder, str(paths[0]), "../b.png", outside=True)
    assert [path.resolve() for path in found] == [path.resolve() for path in paths]


def test_a_link_may_lead_outside(tmp_path: Path) -> None:
    path = touch(tmp_path / "photos" / "a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").symlink_to(path)
    assert listed(tmp_path / "set", "a.png") == [tmp_path / "set" / "a.png"]


@pytest.mark.parametrize("name", ["a..png", "..a.png", "12:30:00.png", "x" * 4000, "é 狐.png"])
def test_other_names_are_kept_though_no_picture_has_them(tmp_path: Path, name: str) -> None:
    assert listed(tmp_path, name) == [tmp_path / "images" / name]


@pytest.mark.parametrize("name", ["", "a\0.png", "a\n.png", "\x1b[31m"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"images\[0\]\.file_name is .*expected a name") as caught:
        listed(tmp_path, name)
    assert str(caught.value).isprintable()


def test_a_picture_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    message = r"images\[0\] and images\[2\] have the same file_name"
    with pytest.raises(DataError, match=message):
        listed(tmp_path, "a.png", "b.png", "./a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"images": [{"id": 1, "file_name": "a"}, {"id": "1", "file_name": "b"}]}',
         r"images\[0\] and images\[1\] have the same id, 1"),
        ('{"images": [{"file_name": "a"}]}', r"images\[0\]\.id is missing"),
        ('{"images": [{"id": true, "file_name": "a"}]}', r"images\[0\]\.id is true, expected"),
        ('{"images": [{"id": 1, "file_name": 2}]}', r"images\[0\]\.file_name is 2, expected str"),
        ('{"images": [{"id": 1, "file_name": "a", "width": "8"}]}', r"\.width is \"8\", expected"),
        ('{"images": {"id": 1}}', r"images is .*expected array"),
        ('{"images": []}', "lists no images"),
        ("{}", "images is missing"),
        ("[]", "expected object"),
        ('{"images": [' + 100_000 * "[", "nested too deeply"),
        ('{"images": ' + 5000 * "1" + "}", "not JSON"),
        ("", "not JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "set.json"
    file.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_coco(file, CocoImages)
    assert str(file) in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("key", "text"), [(7, "7"), ("7", "7"), (7.0, "7"), ("007", "007")])
def test_ids_are_compared_as_text(key: Any, text: str) -> None:
    assert as_text(key) == text
