from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import write_coco, write_pictures

from lmk.data.pack import pack
from lmk.data.show import TILE_PX, show
from lmk.drawing.draw import landmark_color
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def dots(sheet: np.ndarray, index: int) -> int:
    """Count the dots of one landmark in a sheet, the legend's among them."""
    mask = (sheet == landmark_color(index)).all(axis=2).astype(np.uint8)
    return cv2.connectedComponents(mask)[0] - 1


@pytest.mark.parametrize("packed", [False, True])
def test_points_are_drawn_where_they_are_labelled(tmp_path: Path, packed: bool) -> None:
    """Of 7 pictures all but one have two points, and four of those the third."""
    source = write_coco(tmp_path, 7, without=(4,))
    if packed:
        pack(source, tmp_path / "packed", Reporter(), 90)
        source = tmp_path / "packed"
    sample = show(source, tmp_path / "sheet.png", Reporter())
    assert (len(sample.files), sample.total) == (7, 7)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[1] > 6 * TILE_PX
    assert [dots(sheet, index) for index in range(3)] == [7, 7, 4]


def test_a_seed_always_chooses_the_same_pictures(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 40)

    def chosen(seed: int) -> list[str]:
        return show(tmp_path / "photos", tmp_path / "s.png", Reporter(), 5, seed).files

    assert chosen(1) == chosen(1) == sorted(chosen(1))
    assert len(set(chosen(1))) == 5
    assert chosen(1) != chosen(2)


def test_pictures_that_cannot_be_used_are_left_out_and_named(tmp_path: Path, capsys) -> None:
    write_pictures(tmp_path / "photos", 3)
    (tmp_path / "photos" / "001.png").write_bytes(b"broken")
    sample = show(tmp_path / "photos", tmp_path / "sheet.png", Reporter())
    assert sample.files == ["000.png", "002.png"]
    assert "001.png is not a picture" in capsys.readouterr().err
    write_pictures(tmp_path / "tiny", 2, (8, 8))
    with pytest.raises(DataError, match="none of the chosen pictures"):
        show(tmp_path / "tiny", tmp_path / "sheet2.png", Reporter())
    assert not (tmp_path / "sheet2.png").exists()
