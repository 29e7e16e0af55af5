"""What a model without named points finds."""

from __future__ import annotations

import numpy as np

from lmk.inference.rounds import Located


def located(xy: np.ndarray, scores: np.ndarray) -> Located:
    return Located(xy, scores, xy[:, :0])
