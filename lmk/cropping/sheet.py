"""A contact sheet of crops: some at random, and those with the lowest scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from lmk.cropping.cropped import Row
from lmk.data.decode import read_image
from lmk.data.show import TILE_PX
from lmk.drawing.sheet import Section, tile, write_sheet

AT_RANDOM, LOWEST = 24, 12


def write_crop_sheet(path: Path, folder: Path, rows: Sequence[Row], title: str) -> None:
    """Write a PNG of crops whose files are below `folder`, each with its name and score.

    Raises OutputError.
    """
    count = min(AT_RANDOM, len(rows))
    chosen = np.sort(np.random.default_rng(0).choice(len(rows), count, replace=False))
    which = f"{count} of {len(rows):,}" if count < len(rows) else f"{count}"
    sections = [_section(folder, [rows[i] for i in chosen], title, f"{which} crops, with scores")]
    if count < len(rows):
        lowest = sorted(rows, key=lambda row: row.score)[:LOWEST]
        sections.append(_section(folder, lowest, "Lowest scores", "the most doubtful objects"))
    write_sheet(path, sections)


def _section(folder: Path, rows: Sequence[Row], title: str, subtitle: str) -> Section:
    no_points = np.zeros((0, 2), np.float32)
    crops = (np.ascontiguousarray(read_image(folder / row.file)[..., ::-1]) for row in rows)
    captions = [f"{PurePosixPath(row.file).name}  {row.score:.2f}" for row in rows]
    return Section(
        title, [tile(crop, no_points, TILE_PX) for crop in crops], subtitle, captions=captions
    )
