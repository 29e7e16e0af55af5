"""What models without named points find, for searches and backends made for tests."""

from __future__ import annotations

import numpy as np

from lmk.inference.rounds import Located


def located(xy: np.ndarray, scores: np.ndarray) -> Located:
    """What a search receives for boxes with these landmarks (N, K, 2) and scores (N, K)."""
    return Located(xy, scores, np.empty((len(xy), 0, 2), np.float32))
