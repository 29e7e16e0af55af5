"""Text that is readable on any picture: with a dark rim, or in lines on a dark plate.

Rendered once with a real font and cached; pasting takes some microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.drawing.draw import RIM_BGR, Color
from lmk.system.errors import missing_extra

try:
    from PIL import Image as Pictures
    from PIL import ImageDraw, ImageFont
except ImportError as error:
    raise missing_extra("pillow", "run") from error

WHITE: Color = (255, 255, 255)
PLATE_BGR: Color = (24, 24, 24)
PLATE_OPACITY = 0.72
LINE_HEIGHT = 1.35

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Stamp:
    """A rendered text: pasting computes pixels * keep + add.

    keep float32 (H, W, 1) in [0, 1], add float32 (H, W, 3) BGR in [0, 255].
    """

    keep: FloatArray
    add: FloatArray

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.keep.shape[1], self.keep.shape[0]


def paste(image_bgr: Image, stamp: Stamp, left: int, top: int) -> None:
    """Paste a stamp into an image, clipped at its edges."""
    width, height = stamp.size_wh
    x0, y0 = max(left, 0), max(top, 0)
    part = image_bgr[y0 : max(top + height, 0), x0 : max(left + width, 0)]
    if not part.size:
        return
    inside = slice(y0 - top, y0 - top + part.shape[0]), slice(x0 - left, x0 - left + part.shape[1])
    part[:] = part * stamp.keep[inside] + stamp.add[inside]


@lru_cache(maxsize=256)
def label(text: str, size_px: int, color: Color = WHITE) -> Stamp:
    """Render one line of text in a BGR colour with a dark rim."""
    font = ImageFont.load_default(size_px)
    rim = max(round(size_px / 7), 1)
    height, left = round(size_px * LINE_HEIGHT), rim + 1
    width = round(font.getlength(text)) + 2 * left
    covers = []
    for stroke in (rim, 0):
        cover = Pictures.new("L", (width, height))
        place = (left, height / 2)
        ImageDraw.Draw(cover).text(place, text, 255, font, anchor="lm", stroke_width=stroke)
        covers.append(np.array(cover, np.float32)[..., None] / np.float32(255))
    dark, ink = covers
    return _layers((RIM_BGR, dark), (color, ink))


@lru_cache(maxsize=16)
def plate(rows: Rows, size_px: int, right: bool = True) -> Stamp:
    """Render lines of a name and a value on a dark plate, values flush right or left."""
    font = ImageFont.load_default(size_px)
    line, margin = round(size_px * LINE_HEIGHT), round(size_px * 0.6)
    gap = size_px if any(value for _, value in rows) else 0
    names, values = (max(round(font.getlength(row[side])) for row in rows) for side in (0, 1))
    # A heading, a line without value, runs over both columns.
    headings = max((round(font.getlength(name)) for name, value in rows if not value), default=0)
    size = (max(names + gap + values, headings) + 2 * margin, len(rows) * line + 2 * margin)
    back, ink = Pictures.new("L", size), Pictures.new("L", size)
    corners = (0, 0, size[0] - 1, size[1] - 1)
    ImageDraw.Draw(back).rounded_rectangle(corners, margin, fill=round(255 * PLATE_OPACITY))
    draw = ImageDraw.Draw(ink)
    for index, (name, value) in enumerate(rows):
        middle = margin + line * (index + 0.5)
        draw.text((margin, middle), name, 255, font, anchor="lm")
        edge, anchor = (size[0] - margin, "rm") if right else (margin + names + gap, "lm")
        draw.text((edge, middle), value, 255, font, anchor=anchor)
    covers = [np.array(cover, np.float32)[..., None] / np.float32(255) for cover in (back, ink)]
    return _layers((PLATE_BGR, covers[0]), (WHITE, covers[1]))


def _layers(*layers: tuple[Color, FloatArray]) -> Stamp:
    """Blend coloured covers (H, W, 1), the last on top."""
    keep = np.ones_like(layers[0][1])
    add = np.zeros((*keep.shape[:2], 3), np.float32)
    for color, cover in layers:
        keep = keep * (1 - cover)
        add = add * (1 - cover) + cover * np.array(color, np.float32)
    return Stamp(keep, add)
