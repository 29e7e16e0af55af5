from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lmk.inference.backends.base import Inferred
from lmk.inference.rounds import ModelError, locate

CROPS, MATRICES = (
    np.zeros((2, 8, 8, 3), np.uint8),
    np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1)),
)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -200])
@pytest.mark.parametrize("where", ["landmarks", "scores", "points"])
def test_a_model_that_returns_what_is_no_number_has_failed(where: str, value: float) -> None:
    """As one whose weights left the range of float16."""
    places, scores = np.ones((2, 3, 2), np.float32), np.ones((2, 3), np.float32)
    answer = Inferred(places, scores, places[:, :2].copy())
    getattr(answer, where)[1, -1] = value
    backend = SimpleNamespace(description="a fake", infer=lambda _: answer, input_size=8)
    with pytest.raises(ModelError, match="NaN or impossible landmarks, points or scores on a fake"):
        locate(backend, CROPS, MATRICES)
