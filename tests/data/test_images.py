from __future__ import annotations

import cv2
import numpy as np
import pytest

from lmk.data.images import list_images, load_crops, read_image, square_crop
from lmk.errors import DataError
from lmk.geometry import apply_affine
from lmk.progress import Reporter


def test_square_crop_and_its_matrix_agree() -> None:
    """A dot of the image lies in the crop where the matrix says."""
    image = np.zeros((300, 480, 3), np.uint8)
    image[210:216, 150:156] = 255
    crop, matrix = square_crop(image, 100)
    weight = crop[:, :, 0].astype(float)
    y, x = np.mgrid[:100, :100]
    found = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
    expected = apply_affine(matrix, np.array([[152.5, 212.5]], np.float32))[0]
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_images_are_rgb(tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "red.png"), np.full((5, 7, 3), (0, 0, 255), np.uint8))
    assert (read_image(tmp_path / "red.png") == (255, 0, 0)).all()


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_an_unreadable_picture_is_one_clear_error(tmp_path, content: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.png is not a picture"):
        read_image(tmp_path / "bad.png")


def test_a_few_bad_files_are_skipped_and_counted(tmp_path, capsys) -> None:
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i:02}.png"), np.full((40, 40, 3), 10 * i, np.uint8))
    (tmp_path / "03.png").write_bytes(b"broken")
    crops, matrices, kept = load_crops(list_images(tmp_path), Reporter(), size=20)
    assert list(kept) == [i for i in range(12) if i != 3]
    assert [int(crop[0, 0, 0]) for crop in crops] == [10 * i for i in kept]
    assert np.isfinite(matrices).all()
    assert "skipped 1 of 12" in capsys.readouterr().err


def test_many_bad_files_stop_the_work(tmp_path) -> None:
    for i in range(4):
        (tmp_path / f"{i}.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match="4 of 4 images cannot be read"):
        load_crops(list_images(tmp_path), Reporter())


def test_a_folder_without_images_is_an_error(tmp_path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="no images below"):
        list_images(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        list_images(tmp_path / "absent")
