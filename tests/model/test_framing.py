from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmk.geometry import apply_affine, boxes_of_crops, input_to_image_of, invert_affine
from lmk.model.framing import Framing, framing_from_json

MEAN = ((40.0, 50.0), (90.0, 46.0), (66.0, 100.0))
FRAMING = Framing(MEAN, spread_px=6.0, score=0.7, finder="cascade:cat", finder_box=(0.1, 0, 0.5, 1))


def test_mean_landmarks_are_framed_by_the_crop_that_they_came_from() -> None:
    boxes = np.array([[30.5, -12.0, 77.0, 77.0], [400, 300, 256, 256]], np.float32)
    # The package's own change of frame puts the mean landmarks into the picture.
    xy_image = apply_affine(input_to_image_of(boxes, 128), np.array(MEAN, np.float32))
    found, misfit_px = FRAMING.fit(xy_image, np.ones((2, 3), np.float32))
    np.testing.assert_allclose(found[:, :4], boxes, rtol=1e-4, atol=1e-3)
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
        np.testing.assert_allclose([box[:4]], boxes_of_crops([*corner, side, side]), rtol=1e-4)
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


SHARES, NUMBERS = st.floats(0, 1), st.floats(-1e9, 1e9)
SIDES = st.floats(0, 1e9, exclude_min=True)
FINDERS = st.sampled_from(["center", "landmarks"]) | st.from_regex(r"\Acascade:[a-z]{1,32}\Z")
FRAMINGS = st.builds(
    Framing,
    landmarks_input=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1).map(tuple),
    spread_px=st.floats(0, 1e9),
    score=SHARES,
    finder=st.none() | FINDERS,
    finder_box=st.tuples(NUMBERS, NUMBERS, SIDES, SIDES),
    input_size=st.integers(1, 4096),
    find_scores=st.none() | st.tuples(SHARES, st.floats(0, 1, exclude_min=True)),
)


@given(FRAMINGS)
def test_any_framing_survives_json(framing: Framing) -> None:
    assert framing_from_json(framing.to_json()) == framing


# Angles below 24 degrees are not followed, or not wholly.
ANGLES = st.just(0.0) | st.floats(24.1, 180) | st.floats(-180, -24.1)
PLACES = st.floats(-1000, 3000, width=32)
SCORES = st.lists(st.floats(1 / 64, 1, width=32), min_size=3, max_size=3)


@given(st.tuples(PLACES, PLACES), st.floats(8, 2000), ANGLES, SCORES)
def test_the_mean_landmarks_moved_by_any_similarity_give_the_crop_that_they_lie_in(
    corner: tuple[float, float], side: float, angle: float, scores: list[float]
) -> None:
    to_image = input_to_image_of([*corner, side, side, angle], 128)
    xy_image = apply_affine(to_image, np.array(MEAN, np.float32))
    boxes, misfit_px = FRAMING.fit(xy_image, np.array([scores], np.float32), turned=True)
    found = input_to_image_of(boxes, 128)
    corners = np.array([[0, 0], [127, 0], [0, 127]], np.float32)
    np.testing.assert_allclose(
        apply_affine(found, corners), apply_affine(to_image, corners), atol=0.01
    )
    assert misfit_px[0] < 0.01
    if angle == 0:
        upright, _ = FRAMING.fit(xy_image, np.array([scores], np.float32))
        np.testing.assert_allclose(upright[:, :4], boxes[:, :4])


@pytest.mark.parametrize(("angle", "followed"), [(-75, -75), (161, 161), (18, 12), (-11, 0)])
def test_a_turned_fit_is_the_least_squares_similarity(angle: float, followed: float) -> None:
    """Small angles are those of training, and stay; between 12 and 24 degrees half is left."""
    rng = np.random.default_rng(5)
    turn = np.deg2rad(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    xy = np.array(MEAN) @ rotation.T * 1.7 + (310, 190) + rng.normal(0, 0.01, (3, 2))
    scores = np.array([[0.2, 0.9, 0.5]], np.float32)
    boxes, misfit_px = FRAMING.fit(xy[None].astype(np.float32), scores, turned=True)
    assert boxes[0, 4] == pytest.approx(followed, abs=0.1)
    if followed != angle:
        return
    # By NumPy's solver: x' = a x - b y + c, y' = b x + a y + d.
    rows = [row for x, y in MEAN for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    root = np.sqrt(np.repeat(scores[0], 2))
    (a, b, *shift), *_ = np.linalg.lstsq(np.array(rows) * root[:, None], xy.ravel() * root)
    assert np.rad2deg(np.arctan2(b, a)) == pytest.approx(boxes[0, 4], abs=1e-2)
    middle = 63.5 * np.array([a - b, a + b]) + shift
    side = 128 * np.hypot(a, b)
    np.testing.assert_allclose(boxes[0, :4], [*(middle + 0.5 - side / 2), side, side], rtol=1e-4)
    assert misfit_px[0] < 0.02
    # In that crop the landmarks lie as in training.
    to_input = invert_affine(input_to_image_of(boxes, 128))
    np.testing.assert_allclose(apply_affine(to_input, xy[None])[0], MEAN, atol=0.05)


def test_confidence_is_the_share_of_pictures_with_lower_scores() -> None:
    framing = replace(FRAMING, find_scores=(0.5, 0.1))
    scores = np.array([[0.5, 0.5, 0.5], [0.7, 0.6, 0.5], [0.1, 0.2, 0.3]], np.float32)
    # Of a normal distribution 50, 84.13 and 0.13 % lie below the mean and one and minus three sd.
    np.testing.assert_allclose(framing.confidence(scores), [0.5, 0.8413, 0.00135], atol=1e-4)
    assert framing.least_score(0.8413) == pytest.approx(0.6, abs=1e-4)
    assert np.isnan(FRAMING.confidence(scores)).all()
    assert FRAMING.least_score(0.99) == FRAMING.score


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("find_scores", "[0.5, 0.0]"),
        ("find_scores", "[0.5, -0.1]"),
        ("find_scores", "[0.5, NaN]"),
        ("find_scores", "[5.0, 0.1]"),
        ("landmarks_input", "[[1, 2], [3, Infinity]]"),
        ("landmarks_input", "[[1, 2], [3, 1e400]]"),
        ("spread_px", "-1"),
        ("score", "1.1"),
        ("input_size", "0"),
        ("input_size", "1000000000"),
        ("finder", '"onnx:/etc/model.onnx"'),
        ("finder", '"cascade:face\\n"'),
        ("finder", '"cascade:../face"'),
        ("finder", '"box:0,0,1,1"'),
        ("finder_box", "[0, 0, 0, 1]"),
    ],
)
def test_what_no_framing_can_have_is_refused_by_its_name(field: str, value: str) -> None:
    before = json.dumps(asdict(FRAMING)[field], separators=(",", ":"))
    text = FRAMING.to_json().replace(f'"{field}":{before}', f'"{field}":{value}')
    assert text != FRAMING.to_json()
    with pytest.raises(ValueError, match=field):
        framing_from_json(text)


def test_mean_landmarks_at_one_place_give_a_box_all_the_same() -> None:
    framing = replace(FRAMING, landmarks_input=((40.0, 50.0),) * 3)
    boxes, misfit_px = framing.fit(np.ones((1, 3, 2), np.float32), np.ones((1, 3)), turned=True)
    assert np.isfinite(boxes).all()
    assert np.isfinite(misfit_px).all()
