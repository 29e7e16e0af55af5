from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lmk.data.photograph import FACE_XY, photograph
from lmk.inference.regions import cascade
from lmk.inference.regions.cascade import Cascade
from lmk.system.errors import UnavailableError


def test_the_face_of_a_photograph_is_found_wherever_it_is_and_however_large() -> None:
    image = photograph()
    wide = np.full((1000, 1900, 3), 90, np.uint8)
    wide[300:812, 900:1412] = image
    for frame, offset in ((image, (0, 0)), (wide, (900, 300))):
        boxes = Cascade("face")(frame)
        assert boxes.dtype == np.float32
        x, y, width, height = max(boxes, key=lambda box: box[2])
        centre = np.array([x + width / 2, y + height / 2]) - offset
        assert np.abs(centre - FACE_XY).max() < 20
        assert 70 < width < 140


def test_several_faces_come_in_order_from_left_to_right() -> None:
    half = cv2.resize(photograph(), (256, 256), interpolation=cv2.INTER_AREA)
    row = np.hstack([half, half[:, ::-1], half])
    boxes = Cascade("face")(np.vstack([row, row[:, ::-1]]))
    assert len(boxes) >= 6
    assert (np.diff(boxes[:, 0]) >= 0).all()


def test_a_frame_without_objects_and_one_of_a_pixel_give_no_box() -> None:
    for shape in ((120, 200, 3), (1, 1, 3)):
        assert Cascade("cat")(np.full(shape, 80, np.uint8)).shape == (0, 4)


def test_an_opencv_without_cascades_says_what_to_install(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delattr(cv2, "data")
    monkeypatch.setattr(cascade, "SYSTEM", (tmp_path,))
    with pytest.raises(UnavailableError, match="opencv-data"):
        Cascade("face")
