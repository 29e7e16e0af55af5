"""Contact sheets: pictures with landmarks in rows, each row with its title."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lmk.files import replacing
from lmk.geometry import resize_xy
from lmk.runtime.draw import draw_landmarks

Image = npt.NDArray[np.uint8]
Row = tuple[str, Sequence[Image]]

TILE = 240
GAP = 10
TITLE_HEIGHT = 36
PAPER = 250
INK_BGR = (40, 40, 40)


def tile(image_bgr: Image, xy_image: npt.NDArray[np.floating], size: int = TILE) -> Image:
    """Enlarge a square image (S, S, 3) and draw landmarks (K, 2), in its pixels, on it."""
    scale = size / len(image_bgr)
    large = cv2.resize(image_bgr, (size, size), interpolation=cv2.INTER_CUBIC)
    points = resize_xy(xy_image, scale).astype(np.float32)
    box = np.array([[0, 0, size, size]], np.float32)
    return draw_landmarks(large, points[None], np.ones((1, len(points)), np.float32), box)


def write_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of equally large tiles, BGR, as one PNG. Raises OutputError."""
    height, width = rows[0][1][0].shape[:2]
    columns = max(len(tiles) for _, tiles in rows)
    row_height = TITLE_HEIGHT + height + GAP
    size = (len(rows) * row_height + GAP, columns * (width + GAP) + GAP, 3)
    sheet = np.full(size, PAPER, np.uint8)
    for number, (title, tiles) in enumerate(rows):
        top = number * row_height
        place = (GAP, top + TITLE_HEIGHT - 11)
        cv2.putText(sheet, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, INK_BGR, 1, cv2.LINE_AA)
        for column, picture in enumerate(tiles):
            left = GAP + column * (width + GAP)
            sheet[top + TITLE_HEIGHT : top + TITLE_HEIGHT + height, left : left + width] = picture
    with replacing(path) as temporary:
        cv2.imwrite(str(temporary), sheet)
