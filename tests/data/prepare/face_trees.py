"""A face of five points and one of 68, and MTFL's layout with faces in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from data.prepare.dotted import draw_dots

# Its box is 61 x 83 px round (60.5, 81.5): the square's side is 2.6 x 83 = 215.8, so 216, from
# (61 - 108, 82 - 108) = (-47, -26) on, in pixels' edges.
FACE = np.array([[30, 40], [91, 44], [60, 80], [38, 123], [84, 119]], float)
LEFT_EYE_CROP = np.array([(30.5 + 47) * 160 / 216 - 0.5, (40.5 + 26) * 160 / 216 - 0.5])
SIZE_WH = (200, 170)


def face_68(seed: int) -> np.ndarray:
    """Draw 68 points (68, 2) at least 12 px apart, in places between pixels, on 240 x 220 px.

    Eyes, nose and mouth corners are where a face has them, so that the others are in its square.
    """
    random = np.random.default_rng(seed)
    eye = [(column, row) for row in (2, 3, 4) for column in (2, 3)]
    cells = dict(zip(range(36, 42), eye, strict=True))
    cells |= {index + 6: (column + 4, row) for index, (column, row) in cells.items()}
    cells |= {30: (4, 4), 48: (3, 7), 54: (6, 7)}
    free = [(x, y) for x in range(10) for y in range(9) if (x, y) not in cells.values()]
    others = [index for index in range(68) if index not in cells]
    cells |= {
        index: free[cell]
        for index, cell in zip(others, random.permutation(len(free)), strict=False)
    }
    grid = np.array([cells[index] for index in range(68)], float)
    return 30 + 20 * grid + random.uniform(-4, 4, (68, 2))


def write_mtfl(root: Path, train: int = 2, test: int = 2) -> None:
    """Write MTFL's tree; face i of a list is moved by 7 i pixels to the right and 3 i down."""
    for name, folder, count in (("training", "lfw_5590", train), ("testing", "AFLW", test)):
        lines = []
        for index in range(count):
            xy_image = FACE + np.array([7 * index, 3 * index])
            draw_dots(root / folder / f"{index}.jpg", SIZE_WH, xy_image)
            x, y = (xy_image + 1).T
            numbers = " ".join(f"{value:.2f}" for value in [*x, *y])
            lines.append(f" {folder}\\{index}.jpg {numbers} 1 2 2 3")
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n \n")
