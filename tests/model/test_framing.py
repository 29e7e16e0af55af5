from __future__ import annotations

import numpy as np
import pytest

from lmk.geometry import apply_affine, boxes_of_crops, input_to_image_of
from lmk.model.framing import Framing, framing_from_json

MEAN = ((40.0, 50.0), (90.0, 46.0), (66.0, 100.0))
FRAMING = Framing(MEAN, spread_px=6.0, score=0.7, finder="cascade:cat", finder_box=(0.1, 0, 0.5, 1))


def test_mean_landmarks_are_framed_by_the_crop_that_they_came_from() -> None:
    boxes = np.array([[30.5, -12.0, 77.0, 77.0], [400, 300, 256, 256]], np.float32)
    # The package's own change of frame puts the mean landmarks into the picture.
    xy_image = apply_affine(input_to_image_of(boxes, 128), np.array(MEAN, np.float32))
    found, misfit_px = FRAMING.fit(xy_image, np.ones((2, 3), np.float32))
    np.testing.assert_allclose(found, boxes, rtol=1e-4, atol=1e-3)
    assert misfit_px.max() < 1e-3


def test_the_fit_is_the_weighted_least_squares_of_scale_and_shift() -> None:
    rng = np.random.default_rng(3)
    xy_image = rng.uniform(100, 300, (2, 3, 2)).astype(np.float32)
    xy_image += np.array(MEAN, np.float32) * 3  # far from a negative scale
    scores = np.array([[0.2, 0.9, 0.5], [1, 0.1, 0.4]], np.float32)
    boxes, misfits_px = FRAMING.fit(xy_image, scores)
    for box, misfit_px, xy, score in zip(boxes, misfits_px, xy_image, scores, strict=True):
        # The same by NumPy's solver: unknowns are the scale and the shift in x and y.
        root = np.sqrt(np.repeat(score, 2))
        rows = np.array([[v, axis == 0, axis == 1] for p in MEAN for axis, v in enumerate(p)])
        solved, residue, *_ = np.linalg.lstsq(rows * root[:, None], xy.ravel() * root, rcond=None)
        side = solved[0] * 128
        corner = solved[1:] - 0.5 * solved[0] + 0.5
        np.testing.assert_allclose([box], boxes_of_crops([*corner, side, side]), rtol=1e-4)
        misfit = np.sqrt(residue[0] / score.sum()) / solved[0]
        assert misfit_px == pytest.approx(misfit, rel=1e-3)


def test_a_finders_box_becomes_the_crop_that_has_it_in_its_place() -> None:
    # A finder's box lies at x 0.1, y 0, 0.5 wide and 1 high, in a crop of side 80 at (200, 40).
    found = np.array([[208, 40, 40, 80], [208, 40, 40, 80]], np.float32)
    found[1] *= 2
    expected = boxes_of_crops([[200, 40, 80, 80], [400, 80, 160, 160]])
    np.testing.assert_allclose(FRAMING.boxes_round_found(found), expected, rtol=1e-6)


def test_landmarks_that_lie_on_one_place_give_a_crop_with_area() -> None:
    one_place = np.full((1, 3, 2), 17.0, np.float32)
    box, _ = FRAMING.fit(one_place, np.zeros((1, 3), np.float32))
    assert box[0, 2] > 0
    assert np.isfinite(box).all()


def test_a_framing_survives_json() -> None:
    assert framing_from_json(FRAMING.to_json()) == FRAMING
