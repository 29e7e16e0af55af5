from __future__ import annotations

import cv2
import numpy as np
import pytest

from lmk.data.images import list_images, load_crops
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def test_a_few_bad_files_are_skipped_and_counted(tmp_path, capsys) -> None:
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i:02}.png"), np.full((40, 40, 3), 10 * i, np.uint8))
    (tmp_path / "03.png").write_bytes(b"broken")
    crops, matrices, kept, skipped = load_crops(list_images(tmp_path), Reporter(), size=20)
    assert list(kept) == [i for i in range(12) if i != 3]
    assert [int(crop[0, 0, 0]) for crop in crops] == [10 * i for i in kept]
    assert np.isfinite(matrices).all()
    assert [(path.name, reason) for path, reason in skipped] == [
        ("03.png", "is not a picture of a known format")
    ]
    assert "skipped 1 of 12 images" in capsys.readouterr().err


def test_the_warning_lists_the_first_bad_files(tmp_path, capsys) -> None:
    for i in range(60):
        cv2.imwrite(str(tmp_path / f"{i:02}.png"), np.zeros((40, 40, 3), np.uint8))
    for i in (7, 20, 33, 41, 59):
        (tmp_path / f"{i:02}.png").write_bytes(b"broken")
    assert len(load_crops(list_images(tmp_path), Reporter(), size=20).skipped) == 5
    warned = capsys.readouterr().err
    assert "skipped 5 of 60 images" in warned
    assert [f"{i:02}.png is not a picture" in warned for i in (7, 20, 33, 41)] == [1, 1, 1, 0]
    assert "and 2 more" in warned


def test_many_bad_files_stop_the_work(tmp_path) -> None:
    """A tenth of twenty may be bad; the third one, the fifteenth picture, ends it."""
    for i in range(20):
        cv2.imwrite(str(tmp_path / f"{i:02}.png"), np.zeros((40, 40, 3), np.uint8))
    for i in (3, 8):
        (tmp_path / f"{i:02}.png").write_bytes(b"broken")
    assert len(load_crops(list_images(tmp_path), Reporter()).crops) == 18
    cv2.imwrite(str(tmp_path / "14.png"), np.zeros((5, 40, 3), np.uint8))
    with pytest.raises(DataError, match=r"3 of the first 15 .* more than 10% of all 20: .*03\.png"):
        load_crops(list_images(tmp_path), Reporter())


def test_animations_are_found_beside_other_pictures(tmp_path) -> None:
    for name in ("b.GIF", "a.jpeg", "c.apng", "d.mp4"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["a.jpeg", "b.GIF", "c.apng"]


def test_a_folder_without_images_is_an_error(tmp_path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="no images below"):
        list_images(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        list_images(tmp_path / "absent")


def test_hidden_files_are_no_pictures(tmp_path) -> None:
    """macOS puts ._a.png beside a.png on other file systems."""
    for name in ("a.png", "._a.png", ".b.png"):
        cv2.imwrite(str(tmp_path / "c.png"), np.zeros((40, 40, 3), np.uint8))
        (tmp_path / "c.png").rename(tmp_path / name)
    assert [path.name for path in list_images(tmp_path)] == ["a.png"]


def test_crops_beyond_the_memory_are_refused(tmp_path) -> None:
    """One crop of 10 million pixels a side."""
    with pytest.raises(DataError, match=r"need 300000 GB of memory: pack"):
        load_crops([tmp_path / "a.png"], Reporter(), size=10**7)
