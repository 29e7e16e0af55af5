from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import full_disk
from video.sinks.results import noise, picture, result

from lmk.system.errors import OutputError
from lmk.video.sinks.pictures import picture_sink


def test_pictures_keep_their_names(tmp_path: Path) -> None:
    with picture_sink(tmp_path / "out") as sink:
        sink.write(result(0, 0.0, picture(30), name="a.png"))
        sink.write(result(1, 0.0, picture(90), name="b/a.png"))
    with picture_sink(tmp_path / "one.png") as sink:
        sink.write(result(0, 0.0, picture(60), name="photo.jpg"))
    found = {p.relative_to(tmp_path).as_posix(): p for p in tmp_path.rglob("*.png")}
    means = {name: np.mean(cv2.imread(str(path))) for name, path in found.items()}
    assert means == {"out/a.png": 30, "out/b/a.png": 90, "one.png": 60}


def test_a_picture_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    with full_disk(2000), picture_sink(tmp_path / "a.png") as sink, pytest.raises(OutputError):
        sink.write(result(0, 0.0, noise(0)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "limit"), [("o.webp", "16,383"), ("o.JPG", "65,500")])
def test_a_picture_that_its_format_cannot_hold_is_an_error_that_says_so(
    tmp_path: Path, name: str, limit: str
) -> None:
    wide = np.zeros((2, 66_000, 3), np.uint8)
    expected = rf"{name}, 66000 x 2 pixels: .* at most {limit} pixels per side. Choose \.png"
    with picture_sink(tmp_path / name) as sink, pytest.raises(OutputError, match=expected):
        sink.write(result(0, 0.0, wide))
    assert list(tmp_path.iterdir()) == []


def test_pictures_of_formats_that_are_only_read_become_png(tmp_path: Path) -> None:
    with picture_sink(tmp_path / "out") as sink:
        for name in ("a.jfif", "photo", "b.2024", "c.JPEG"):
            sink.write(result(0, 0.0, picture(30), name=name))
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["a.jfif.png", "b.2024.png", "c.JPEG", "photo.png"]
