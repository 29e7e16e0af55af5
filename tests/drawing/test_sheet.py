from __future__ import annotations

import cv2
import numpy as np

from lmk.drawing.draw import landmark_color
from lmk.drawing.sheet import GAP, PAPER, Section, tile, write_sheet

SIZE = 50


def plain(color_bgr: tuple[int, int, int]) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), color_bgr, np.uint8)


def rows_of(sheet: np.ndarray, color_bgr: tuple[int, int, int]) -> np.ndarray:
    return np.flatnonzero((sheet == color_bgr).all(axis=2).any(axis=1))


def test_pictures_stand_in_rows_under_their_titles(tmp_path) -> None:
    """Five pictures in rows of four: the fifth starts a row, below the first one's column."""
    colors = [(10 * i, 200, 255 - 10 * i) for i in range(5)]
    sections = [
        Section("first", [plain(color) for color in colors], captions=["a"] * 5),
        Section("second", [plain((1, 2, 3))] * 2, legend=["nose", "ear"]),
    ]
    write_sheet(tmp_path / "sheet.png", sections, columns=4)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[1] == 4 * (SIZE + GAP) + GAP
    tops = [rows_of(sheet, color)[0] for color in colors]
    assert len(set(tops[:4])) == 1
    assert tops[4] > tops[0] + SIZE + GAP
    for i, color in enumerate(colors):
        assert len(rows_of(sheet, color)) == SIZE
        left = GAP + i % 4 * (SIZE + GAP)
        assert (sheet[tops[i] : tops[i] + SIZE, left : left + SIZE] == color).all()
    assert rows_of(sheet, (1, 2, 3))[0] > tops[4] + SIZE
    assert (sheet[-GAP:] == PAPER).all()
    legend = sheet[tops[4] + SIZE : rows_of(sheet, (1, 2, 3))[0]]
    for index in range(2):
        assert len(rows_of(legend, landmark_color(index)))


def test_a_long_caption_keeps_its_end_and_its_place(tmp_path) -> None:
    """Beside it stays paper, as wide as the gap between pictures."""
    tiles, long = [plain((0, 0, 0))] * 3, "a/very/long/folder/with/a/picture.png"
    for captions in (["", "", ""], ["", long, ""]):
        write_sheet(tmp_path / f"{len(captions[1])}.png", [Section("t", tiles, captions=captions)])
    without, with_long = (
        cv2.imread(str(tmp_path / f"{n}.png")).astype(int) for n in (0, len(long))
    )
    changed = np.flatnonzero(np.abs(without - with_long).sum(axis=(0, 2)))
    left = GAP + SIZE + GAP
    assert left - 1 <= changed.min() < left + 10
    assert left + SIZE - 15 < changed.max() <= left + SIZE + 1


def test_a_tile_shows_its_labelled_points_alone() -> None:
    """Enlarged from 50 to 100 pixels, x = 12 comes to 24.5."""
    xy = np.array([[12.0, 20.0], [0.0, 0.0], [33.0, 8.0]])
    picture = tile(plain((90, 90, 90)), xy, 100, np.array([True, False, True]))
    assert picture.shape == (100, 100, 3)
    for index, (x, y) in enumerate((xy + 0.5) * 2 - 0.5):
        dot = picture[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].reshape(-1, 3)
        if index == 1:
            assert (picture[:10, :10] == 90).all()
        else:
            assert (np.median(dot, axis=0) == landmark_color(index)).all()
    assert (tile(plain((90, 90, 90)), xy, 100)[0, 0] == landmark_color(1)).all()
