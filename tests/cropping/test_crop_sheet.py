from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lmk.cropping.cropped import Row
from lmk.cropping.sheet import AT_RANDOM, LOWEST, write_crop_sheet


@pytest.mark.parametrize("count", [2, AT_RANDOM, AT_RANDOM + 6])
def test_a_sheet_shows_crops_at_random_and_the_lowest_scores(tmp_path: Path, count: int) -> None:
    """Every crop has a colour of its own; the last ones have the lowest scores."""
    colors = [(5 * i, 200 - 6 * i, 90) for i in range(count)]
    rows = []
    for i, color in enumerate(colors):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((40, 40, 3), color, np.uint8))
        rows.append(Row(f"{i}.png", "photo.jpg", 0, 0, 40, 40, 0.9 - i / 100))
    write_crop_sheet(tmp_path / "sheet.png", tmp_path, rows, "photos")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    shown = [int((sheet == color).all(axis=2).sum()) / 200**2 for color in colors]
    if count > AT_RANDOM:
        assert sum(shown) == AT_RANDOM + LOWEST
        assert all(times >= 1 for times in shown[-LOWEST:])
    else:
        assert shown == [1] * count
    assert sheet.shape[1] == min(max(count, 3), 6) * 210 + 10
