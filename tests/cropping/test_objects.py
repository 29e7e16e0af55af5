"""Which objects are kept, and their squares, by landmarks that are given."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from colour_detector import save_detector

from lmk.cropping import objects
from lmk.cropping.objects import MOST, ObjectFinder
from lmk.inference.landmarker import Landmarker
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

MEAN = np.array([[40, 45], [86, 42], [64, 95]], np.float32)
FRAMING = Framing(tuple(map(tuple, MEAN.tolist())), spread_px=4.0, score=0.6)
IMAGE = np.zeros((400, 400, 3), np.uint8)
Object = tuple[float, float, float, float]  # x, y and side of the square, and the score


def find(monkeypatch, given: list[Object], **options):
    """Find objects whose landmarks lie as in training in these squares."""
    x, y, side, score = np.array(given, np.float32).reshape(-1, 4).T[..., None]
    xy = (MEAN + 0.5) * (side / 128)[..., None] - 0.5 + np.stack([x, y], -1)
    scores = np.tile(score, (1, 3)) + np.float32([-0.1, 0, 0.1])
    found = SimpleNamespace(xy=xy.astype(np.float32), score=scores.astype(np.float32))
    backend = SimpleNamespace(framing=options.pop("framing", FRAMING))

    class Finds:
        def __init__(self, *_: object, **__: object) -> None:
            self.backend = backend

        def __call__(self, _: np.ndarray) -> SimpleNamespace:
            return found

    monkeypatch.setattr(objects, "Landmarker", Finds)
    return ObjectFinder("dots", **options).find(IMAGE)


def left_out(framed) -> dict[str, int]:
    return {reason: count for reason, count in framed.left_out.items() if count}


def test_the_surest_comes_first_framed_as_in_training(monkeypatch) -> None:
    found = find(monkeypatch, [(10, 20, 64, 0.7), (-30, 200, 150.5, 0.8)])
    expected = [(-30, 200, 150.5, 150.5), (10, 20, 64, 64)]
    np.testing.assert_allclose(found.squares, expected, atol=1e-2)
    np.testing.assert_allclose(found.scores, [0.8, 0.7], atol=1e-6)
    assert left_out(found) == {}


def test_a_margin_is_added_on_each_side(monkeypatch) -> None:
    found = find(monkeypatch, [(10, 20, 64, 0.7)], margin=0.25)
    np.testing.assert_allclose(found.squares, [(-6, 4, 96, 96)], atol=1e-2)


@pytest.mark.parametrize(
    ("options", "kept"),
    [({}, 2), ({"least_score": 0.75}, 1), ({"least_score": 0.0}, 3)],
)
def test_a_low_score_is_no_object(monkeypatch, options: dict[str, float], kept: int) -> None:
    given = [(0, 0, 90, 0.65), (100, 0, 90, 0.55), (200, 0, 90, 0.8)]
    found = find(monkeypatch, given, **options)
    assert len(found.squares) == len(found.scores) == kept
    assert sum(left_out(found).values()) == 3 - kept


def test_the_score_that_was_measured_for_searches_counts_first(monkeypatch) -> None:
    framing = Framing(FRAMING.landmarks_input, spread_px=4.0, score=0.6, find_scores=(0.6, 0.0608))
    given = [(0, 0, 90, 0.65), (200, 0, 90, 0.8)]
    assert left_out(find(monkeypatch, given, framing=framing)) == {"with a mean score below 0.7": 1}


def test_small_objects_doubles_and_those_beyond_the_limit_are_left_out(monkeypatch) -> None:
    many = [(40.0 * i, 0, 36, 0.9 - i / 1000) for i in range(MOST + 3)]
    found = find(monkeypatch, [(0, 100, 31.5, 0.9), (0, 200, 80, 0.99), (4, 203, 78, 0.98), *many])
    assert len(found.squares) == MOST
    np.testing.assert_allclose(found.squares[0], (0, 200, 80, 80), atol=1e-2)
    assert left_out(found) == {
        "smaller than 32 px": 1,
        "found twice": 1,
        f"beyond the {MOST} surest of a picture": 4,
    }


def test_nothing_found_has_no_squares(monkeypatch) -> None:
    found = find(monkeypatch, [])
    assert found.squares.shape == (0, 4)
    assert left_out(found) == {}


def test_a_model_without_framing_is_refused(tmp_path) -> None:
    model = save_detector(tmp_path / "dots.onnx")
    assert Landmarker(model).backend.framing is None
    with pytest.raises(UsageError, match="has no framing"):
        ObjectFinder(str(model))
