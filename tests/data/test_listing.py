from __future__ import annotations

import os
from pathlib import Path

import pytest
from pictures import write_pictures
from PIL import Image

from lmk.data.listing import list_images
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in list_images(folder)]


def write(path: Path, kind: str = "PNG") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 40), (9, 8, 7)).save(path, kind)


def heic(path: Path) -> None:
    """The box with which such a file begins: ISO 14496-12, 4.3."""
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))


def test_pictures_are_sorted_and_found_at_any_depth(tmp_path: Path) -> None:
    for name in ("b.GIF", "a.jpeg", "c/d/e.png", "c.apng", "f.jfif", "g.avif", "h.jpe"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    expected = ["a.jpeg", "b.GIF", "c/d/e.png", "c.apng", "f.jfif", "g.avif", "h.jpe"]
    assert names(tmp_path) == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_file_under_another_name_is_known_by_its_content(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "photo", kind)
    write(tmp_path / "a" / "photo.2024", kind)
    raw = kind == "TIFF"  # under another suffix, it is what a camera calls .nef or .dng
    assert names(tmp_path) == (["photo"] if raw else ["a/photo.2024", "photo"])


def test_what_is_left_out_is_told_in_one_line_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.png")
    for name in ("clip.mp4", "notes.txt", "more.txt", "last.txt"):
        (tmp_path / name).write_bytes(b"\0\0\0\x14ftypisom\0\0\0\0mp42")
    heic(tmp_path / "b.HEIC")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "absent.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert list_images(tmp_path, Reporter()) == [tmp_path / "a.png"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"warning: left out in {tmp_path}: b.HEIC (convert HEIC first, for example with  "
        "heif-convert); gone.jpg (a broken link); pipe.jpg (not a regular file); clip.mp4, "
        "last.txt, more.txt and 1 more (no picture)"
    )


def test_a_folder_without_images_is_an_error_that_names_what_is_there(tmp_path: Path) -> None:
    heic(tmp_path / "a.heic")
    with pytest.raises(DataError, match=r"no images below .*, and got a\.heic \(convert HEIC"):
        list_images(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        list_images(tmp_path / "absent")


def test_hidden_files_and_folders_are_no_pictures(tmp_path: Path) -> None:
    """macOS puts ._a.png beside a.png, and Jupyter copies into .ipynb_checkpoints."""
    folder = tmp_path / ".photos"  # what is asked for may be hidden
    for name in ("a.png", "._a.png", ".b.png", ".ipynb_checkpoints/a-checkpoint.png", "c/.git/d"):
        write(folder / name)
    assert names(folder) == ["a.png"]


def test_links_are_followed_to_each_folder_once(tmp_path: Path) -> None:
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    write(photos / "z" / "1.png")
    write(elsewhere / "2.png")
    (photos / "a_link").symlink_to(photos / "z")  # listed under its own name, not under the link's
    (photos / "linked").symlink_to(elsewhere)
    (photos / "linked_again").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(photos)
    (photos / "z" / "up").symlink_to(photos)
    (photos / "circle").symlink_to(photos / "circle2")
    (photos / "circle2").symlink_to(photos / "circle")
    assert names(photos) == ["linked/2.png", "z/1.png"]


def test_a_training_among_the_pictures_adds_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write_pictures(tmp_path, 2)
    write(tmp_path / "run" / "samples" / "000001.png")
    (tmp_path / "run" / "config.yaml").touch()
    assert len(list_images(tmp_path)) == 3
    (tmp_path / "run" / "checkpoint.pt").touch()
    assert list_images(tmp_path, Reporter()) == paths
    assert "run (a training)" in capsys.readouterr().err
