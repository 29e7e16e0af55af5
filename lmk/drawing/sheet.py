"""Contact sheets: pictures with landmarks under titles, in one PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmk.arrays import Image, Points
from lmk.drawing.draw import dot_radius, draw_object, landmark_color
from lmk.geometry import resize_xy
from lmk.system.files import replacing
from lmk.system.opencv import cv2

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

Color = tuple[int, int, int]

TILE = 240
GAP = 10
MIN_COLUMNS = 3  # a sheet of one picture still has room for its title
TITLE_PX, TEXT_PX, CAPTION_PX = 20, 14, 12
LINE_HEIGHT = 1.5
DOT_PX = 10
PAPER, INK, FAINT_INK = (250, 250, 250), (40, 40, 40), (120, 120, 120)


@dataclass(frozen=True)
class Section:
    """Pictures of one size, BGR (S, S, 3), under a title.

    subtitle: a line below the title. legend: names of landmarks, each with its colour. captions:
    a line below each picture. Empty ones use no space.
    """

    title: str
    tiles: Sequence[Image]
    subtitle: str = ""
    legend: Sequence[str] = ()
    captions: Sequence[str] = ()


def tile(
    image_bgr: Image,
    xy_image: Points,
    size: int = TILE,
    labelled: npt.NDArray[np.bool_] | None = None,
) -> Image:
    """Resize a square image (S, S, 3) and draw landmarks (K, 2), in its pixels, on it.

    labelled bool (K,): which of them exist.
    """
    scale = size / len(image_bgr)
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    large: Image = cv2.resize(image_bgr, (size, size), interpolation=method)
    points = resize_xy(xy_image, scale).astype(np.float32)
    sure = np.ones(len(points), np.float32)
    shown = sure if labelled is None else labelled.astype(np.float32)
    draw_object(large, points, sure, shown, dot_radius(np.array([0, 0, size, size])))
    return large


def write_sheet(path: Path, sections: Sequence[Section], columns: int = 6) -> None:
    """Write sections, one below the other, as one PNG. Raises OutputError."""
    from PIL import Image as Pictures

    columns = min(columns, max(len(section.tiles) for section in sections))
    width = max(columns, MIN_COLUMNS) * (len(sections[0].tiles[0]) + GAP) + GAP
    strips = [_blank(GAP, width)]
    for section in sections:
        strips += _strips(section, columns, width)
    sheet = Pictures.fromarray(np.concatenate(strips))
    with replacing(path) as temporary:
        sheet.save(temporary, "PNG")


def _strips(section: Section, columns: int, width: int) -> Iterator[Image]:
    """Lines of text and rows of pictures, RGB (H, width, 3), from top to bottom."""
    yield _line([(GAP, section.title)], TITLE_PX, INK, width)
    if section.subtitle:
        yield _line([(GAP, section.subtitle)], TEXT_PX, FAINT_INK, width)
    if section.legend:
        yield from _legend(section.legend, width)
    yield _blank(GAP // 2, width)
    size = len(section.tiles[0])
    lefts = [GAP + column * (size + GAP) for column in range(columns)]
    for first in range(0, len(section.tiles), columns):
        row = _blank(size, width)
        for edge, picture in zip(lefts, section.tiles[first : first + columns], strict=False):
            row[:, edge : edge + size] = picture[..., ::-1]
        yield row
        texts = [_shortened(text, size) for text in section.captions[first : first + columns]]
        if texts:
            yield _line(list(zip(lefts, texts, strict=False)), CAPTION_PX, FAINT_INK, width)
        yield _blank(GAP, width)


def _legend(names: Sequence[str], width: int) -> Iterator[Image]:
    """The names with a dot of their landmark's colour, as many per line as fit."""
    left, line = GAP, list[tuple[int, int]]()
    for index, name in enumerate(names):
        length = round(2 * DOT_PX + _length(name, TEXT_PX))
        if line and left + length > width - GAP:
            yield _legend_line(names, line, width)
            left, line = GAP, []
        line.append((left, index))
        left += length + GAP
    yield _legend_line(names, line, width)


def _legend_line(names: Sequence[str], places: list[tuple[int, int]], width: int) -> Image:
    texts = [(left + round(1.5 * DOT_PX), names[index]) for left, index in places]
    strip = _line(texts, TEXT_PX, INK, width)
    for left, index in places:
        color = landmark_color(index)[::-1]
        cv2.circle(
            strip, (left + DOT_PX // 2, len(strip) // 2), DOT_PX // 2, color, -1, cv2.LINE_AA
        )
    return strip


def _line(texts: list[tuple[int, str]], text_px: int, ink: Color, width: int) -> Image:
    """One line of texts, each at its left edge."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    height = round(LINE_HEIGHT * text_px)
    strip = Pictures.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(strip)
    for left, text in texts:
        draw.text((left, height / 2), text, ink, _font(text_px), anchor="lm")
    return np.array(strip)


def _blank(height: int, width: int) -> Image:
    return np.full((height, width, 3), PAPER, np.uint8)


def _shortened(text: str, width: int) -> str:
    """Cut a text's beginning until it fits."""
    if _length(text, CAPTION_PX) <= width:
        return text
    while text and _length(f"…{text}", CAPTION_PX) > width:
        text = text[1:]
    return f"…{text}"


def _length(text: str, text_px: int) -> float:
    return _font(text_px).getlength(text)


def _font(text_px: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(text_px)
