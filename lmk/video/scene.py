"""Notice that a frame shows another scene than an earlier one, as after a cut."""

from __future__ import annotations

import numpy as np

from lmk.arrays import FloatArray, Image

ROWS, COLUMNS = 18, 32  # points of a frame that are compared
CHANGED = 20.0  # grey levels
# Of the points, those that differ between two scenes: 0.6 to 0.9 in unrelated pictures, at most 0.3
# between frames of calm clips, 0.55 where a camera pans by a twelfth of its width a frame.
OTHER_SCENE = 0.6


def glance(image_bgr: Image) -> FloatArray:
    """The green of some points of a frame, (ROWS, COLUMNS)."""
    height, width = image_bgr.shape[:2]
    rows, columns = (
        ((np.arange(count) + 0.5) * size / count).astype(int)
        for count, size in ((ROWS, height), (COLUMNS, width))
    )
    return np.asarray(image_bgr[rows[:, None], columns, 1], np.float32)


def same_scene(one: FloatArray, other: FloatArray) -> bool:
    """Whether two glances are of the same scene; the brightness of all may differ."""
    change = one - other
    return bool((np.abs(change - np.median(change)) > CHANGED).mean() < OTHER_SCENE)
