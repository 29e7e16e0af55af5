from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.boxes import apart, overlap
from lmk.inference.regions.landmarks import LandmarkSearch, grid
from lmk.inference.regions.open import open_finder
from lmk.inference.rounds import in_rounds
from lmk.model.framing import Framing
from lmk.model.points import NO_POINTS
from lmk.system.errors import UsageError

PLACES = np.array([[40, 45], [86, 42], [64, 95]], np.float32)  # red, green, blue, in a crop
FRAMING = Framing(tuple(map(tuple, PLACES.tolist())), spread_px=4.0, score=0.6)
DOT = 5.0  # radius in a crop


class Dots:
    """Finds a red, a green and a blue dot; the score says how much of a dot of a crop's size it is.

    Dots at the border, or of another size than in training, have lower scores, as objects have.
    """

    name = description = "dots"
    num_landmarks, input_size, framing, transfers, points = 3, 128, FRAMING, None, NO_POINTS
    asked = 0

    def infer(self, images: np.ndarray) -> Inferred:
        Dots.asked += len(images)
        y, x = np.mgrid[:128, :128]
        mass = np.maximum(images.astype(np.float64) - 150, 0) / 105
        total = mass.sum((1, 2)) + 1e-6
        xy = np.stack([(mass * g[..., None]).sum((1, 2)) / total for g in (x, y)], -1)
        size = np.sqrt(total / np.pi) / DOT
        score = np.where(total > 1, np.minimum(size, 1 / size), 0.05)
        xy = np.where(total[..., None] > 1, xy, 64)
        return inferred(xy.astype(np.float32), score.astype(np.float32))

    def layers(self) -> dict[str, int]:
        return {}


def scene(*boxes: tuple[float, float, float]) -> np.ndarray:
    """A grey frame with the dots of an object in each square box x, y, side."""
    image = np.full((360, 480, 3), 60, np.uint8)
    for x, y, side in boxes:
        for place, rgb in zip(PLACES, np.eye(3) * 255, strict=True):
            centre = (place + 0.5) * side / 128 + (x, y) - 0.5
            radius = round(DOT * side / 128 * 16)
            where = tuple((centre * 16).round().astype(int).tolist())
            cv2.circle(image, where, radius, rgb[::-1].tolist(), -1, cv2.LINE_AA, shift=4)
    return image


def found(image: np.ndarray) -> np.ndarray:
    return in_rounds(Dots(), [(image, LandmarkSearch().search(image, FRAMING))])[0]


@pytest.mark.parametrize("box", [(20, 200, 60), (180, 40, 110), (130, 70, 250), (300, 190, 150)])
def test_an_object_is_found_and_framed_as_in_training(box: tuple[float, float, float]) -> None:
    boxes = found(scene(box))
    assert len(boxes) == 1
    np.testing.assert_allclose(boxes[0], [*box, box[2], 0], atol=0.05 * box[2])


def test_the_measured_score_decides_where_there_is_one() -> None:
    image = scene((180, 40, 110))
    for score, count in ((0.4, 1), (0.999, 0)):
        framing = replace(FRAMING, find_scores=(score, 0.01), score=1 - score)
        search = LandmarkSearch().search(image, framing)
        assert len(in_rounds(Dots(), [(image, search)])[0]) == count


def test_nothing_is_found_where_nothing_is_and_little_is_asked() -> None:
    Dots.asked = 0
    assert found(scene()).shape == (0, 5)
    assert Dots.asked < 110
    noise = np.random.default_rng(0).integers(0, 255, (360, 480, 3)).astype(np.uint8)
    assert len(found(noise)) == 0


def test_scenes_are_searched_together() -> None:
    images = [scene((20, 200, 90)), scene(), scene((300, 100, 140))]
    searches = [(image, LandmarkSearch().search(image, FRAMING)) for image in images]
    assert [len(boxes) for boxes in in_rounds(Dots(), searches)] == [1, 0, 1]


@pytest.mark.parametrize(("width", "height"), [(640, 480), (100, 900), (160, 200)])
def test_the_grid_covers_the_frame_densely_enough(width: int, height: int) -> None:
    """Every square of a size in its range has a box of at least half its side that meets it."""
    boxes = grid(width, height)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:4] <= np.array([width, height]) + 1e-3).all()
    random, short = np.random.default_rng(0), min(width, height)
    for _ in range(200):
        side = short * random.uniform(0.15, 0.95)
        x, y = random.uniform(0, width - side), random.uniform(0, height - side)
        assert overlap(np.float32([x, y, side, side]), boxes).max() > 0.15


def test_the_best_boxes_apart_by_hand() -> None:
    boxes = np.float32([[0, 0, 10, 10], [1, 0, 10, 10], [40, 0, 10, 10], [41, 0, 10, 10]])
    order = np.argsort(-np.float32([0.5, 0.9, 0.3, 0.2]))
    assert apart(boxes, order, 0.3, 4) == apart(boxes, order, 0.3) == [1, 2]
    assert apart(boxes, order, 0.3, 1) == [1]


def test_a_model_without_framing_cannot_search() -> None:
    image = scene()
    with pytest.raises(UsageError, match="has no framing"):
        in_rounds(Dots(), [(image, open_finder("landmarks").search(image, None))])
