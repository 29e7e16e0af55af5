from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lmk.inference.rounds import ModelError, locate

CROPS, MATRICES = (
    np.zeros((2, 8, 8, 3), np.uint8),
    np.tile(np.eye(2, 3, dtype=np.float32), (2, 1, 1)),
)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -200])
@pytest.mark.parametrize("where", ["landmarks", "scores", "points"])
def test_a_model_that_returns_what_is_no_number_has_failed(where: str, value: float) -> None:
    """As one whose weights left the range of float16."""
    shapes = {"landmarks": (2, 3, 2), "scores": (2, 3), "points": (2, 4, 2)}
    answer = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    answer[where][1, 2] = value
    infer = lambda _: tuple(answer.values())  # noqa: E731
    backend = SimpleNamespace(description="a fake", infer=infer, input_size=8)
    with pytest.raises(ModelError, match="NaN or impossible landmarks, points or scores on a fake"):
        locate(backend, CROPS, MATRICES)
