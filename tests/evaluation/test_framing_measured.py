from __future__ import annotations

from itertools import cycle

import cv2
import numpy as np
import pytest

from lmk.data.photograph import FACE_XY, photograph
from lmk.evaluation.framing import (
    measure_find_scores,
    measure_finder,
    measure_framing,
    shuffled,
)
from lmk.geometry import crops_of_boxes
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.regions.cascade import Cascade
from lmk.model.framing import Framing
from lmk.model.points import NO_POINTS
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def test_framing_is_the_mean_and_the_usual_bounds() -> None:
    rng = np.random.default_rng(0)
    mean = np.array([[30.0, 40.0], [90.0, 35.0], [60.0, 100.0]])
    xy = (mean + rng.normal(0, 2, (200, 3, 2))).astype(np.float32)
    scores = rng.uniform(0.4, 0.9, (200, 3)).astype(np.float32)
    framing = measure_framing(xy, scores, 128)
    np.testing.assert_allclose(framing.landmarks_input, xy.mean(0), atol=0.01)
    assert framing.score == pytest.approx(np.percentile(scores.mean(1), 1), abs=1e-3)
    assert (framing.fit(xy, scores)[1] <= framing.spread_px).mean() == pytest.approx(0.99, abs=6e-3)
    assert framing.finder is None


def crops(shift: float) -> np.ndarray:
    """Crops of a face, its centre in theirs but for a shift, the face's box 0.7 of their side."""
    found = []
    for side in (150.0, 160.0, 170.0):
        left, top = np.array(FACE_XY) - side / 2 + shift * side
        matrix = np.array([[160 / side, 0, -left * 160 / side], [0, 160 / side, -top * 160 / side]])
        picture = cv2.warpAffine(photograph(), matrix, (160, 160), borderMode=cv2.BORDER_REPLICATE)
        found.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    return np.stack(found)


def test_a_detectors_boxes_give_crops_like_those_of_training() -> None:
    # The face is framed by its finder in a picture, as it was in the crops of training.
    x, y, width, height = measure_finder(Cascade("face"), crops(0.1))
    framing = Framing(((0.0, 0.0), (1.0, 1.0)), 1.0, 0.5, "cascade:face", (x, y, width, height))
    (crop,) = crops_of_boxes(framing.boxes_round_found(Cascade("face")(photograph())))
    side, centre = 160.0, np.array(FACE_XY) + 0.1 * 160
    assert crop[2] == pytest.approx(side, rel=0.12)
    np.testing.assert_allclose(crop[:2] + crop[2:] / 2, centre, atol=0.05 * side)


def test_a_finder_that_finds_few_is_refused() -> None:
    blank = np.full((4, 160, 160, 3), 120, np.uint8)
    with pytest.raises(DataError, match="finds 1 of 5"):
        measure_finder(Cascade("face"), np.concatenate([blank, crops(0)[:1]]))


class Says:
    """A model that is equally sure of whatever it sees, by the number of calls of its own batch."""

    name = description = "says"
    num_landmarks, input_size, framing, transfers, points = 3, 128, None, None, NO_POINTS

    def __init__(self, *scores: float) -> None:
        self.scores = cycle(scores)

    def infer(self, images: np.ndarray) -> Inferred:
        places = np.float32([[40, 45], [86, 42], [64, 95]])
        score = next(self.scores)
        shape = len(images), 3
        places = np.tile(places, (len(images), 1, 1))
        return inferred(places, np.full(shape, score, np.float32))

    def layers(self) -> dict[str, int]:
        return {}


def test_the_score_of_a_search_is_that_of_the_rare_best_of_wrong_pictures() -> None:
    """The third round of each picture counts: 0.4 and 0.6 in turn have a deviation of 0.1."""
    framing = Framing(((40, 45), (86, 42), (64, 95)), 4.0, 0.6)
    wrong = np.random.default_rng(0).integers(0, 255, (5, 30, 30, 3)).astype(np.uint8)
    model = Says(0.9, 0.9, 0.4, 0.9, 0.9, 0.6)  # five crops make two pictures
    scores = measure_find_scores(model, framing, wrong, 24, Reporter())
    assert scores == pytest.approx((0.5, 0.1), abs=1e-3)


def test_only_scores_above_the_median_tell_the_deviation() -> None:
    """Of 0.1, 0.5 and 0.7 the median is 0.5, and what lies above it is 0.2 away."""
    framing = Framing(((40, 45), (86, 42), (64, 95)), 4.0, 0.6)
    wrong = np.random.default_rng(0).integers(0, 255, (12, 30, 30, 3)).astype(np.uint8)
    model = Says(0.9, 0.9, 0.1, 0.9, 0.9, 0.5, 0.9, 0.9, 0.7)
    scores = measure_find_scores(model, framing, wrong, 24, Reporter())
    assert scores == pytest.approx((0.5, 0.2), abs=1e-3)


def test_a_wrong_picture_is_made_of_parts_of_crops() -> None:
    plain = np.stack([np.full((30, 30, 3), rgb, np.uint8) for rgb in ((250, 0, 0), (0, 0, 90))])
    picture = shuffled(plain, np.random.default_rng(0))
    tiles = picture.reshape(6, 64, 6, 64, 3)
    assert (tiles == tiles[:, :1, :, :1]).all()
    assert {tuple(each) for each in tiles[:, 0, :, 0].reshape(-1, 3).tolist()} == {
        (0, 0, 250),
        (90, 0, 0),
    }
