from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmk import geometry
from lmk.geometry import (
    apply_affine,
    boxes_of_crops,
    center_square,
    compose_affine,
    crops_of_boxes,
    heatmap_to_input,
    input_to_heatmap,
    input_to_image_of,
    invert_affine,
    resize_xy,
    sideways_to_upright,
    square_to_crop,
    turn_about,
)


def test_resize_keeps_the_outer_edges_of_the_outer_pixels() -> None:
    """Pixel centres lie half a pixel inside: the edge at -0.5 stays, that at W - 0.5 scales."""
    edges = np.array([-0.5, 9.5])
    np.testing.assert_allclose(resize_xy(edges, 2.5), [-0.5, 24.5])
    np.testing.assert_allclose(resize_xy(np.array([3.0]), 2.5), [8.25])


def test_heatmap_pixels_are_the_centres_of_four_by_four_input_pixels() -> None:
    xy_heatmap = np.array([[0.0, 0.0], [31.0, 10.5]])
    np.testing.assert_allclose(heatmap_to_input(xy_heatmap, 4), [[1.5, 1.5], [125.5, 43.5]])
    np.testing.assert_allclose(input_to_heatmap(heatmap_to_input(xy_heatmap, 4), 4), xy_heatmap)


def test_box_is_centred_in_the_input_and_keeps_its_aspect() -> None:
    """A 64 x 32 box: its longer side fills 128 px, twice as large, bars above and below."""
    matrices = invert_affine(input_to_image_of([[10, 20, 64, 32], [0, 0, 256, 256]], 128))
    corners = np.array([[9.5, 19.5], [73.5, 51.5]], np.float32)  # the box's outer edges
    np.testing.assert_allclose(apply_affine(matrices[0], corners), [[-0.5, 31.5], [127.5, 95.5]])
    corners = np.array([[-0.5, -0.5], [255.5, 255.5]], np.float32)
    np.testing.assert_allclose(apply_affine(matrices[1], corners), [[-0.5, -0.5], [127.5, 127.5]])


def test_a_crop_wider_than_its_box_keeps_the_centre_and_its_inverse_undoes_it(monkeypatch) -> None:
    monkeypatch.setattr(geometry, "CROP_SIDE", 1.25)
    crops = crops_of_boxes([[10, 20, 64, 32], [3, 4, 8, 8]])
    np.testing.assert_allclose(crops, [[2, -4, 80, 80], [2, 3, 10, 10]])
    np.testing.assert_allclose(boxes_of_crops(crops), [[10, 4, 64, 64], [3, 4, 8, 8]])


def test_inverse_undoes_a_batch_of_turns() -> None:
    rng = np.random.default_rng(0)
    matrices = rng.normal(size=(4, 2, 3)).astype(np.float32)
    points = rng.normal(size=(4, 5, 2)).astype(np.float32)
    there = apply_affine(matrices, points)
    np.testing.assert_allclose(apply_affine(invert_affine(matrices), there), points, atol=1e-4)


def test_affine_is_the_same_in_numpy_and_torch() -> None:
    rng = np.random.default_rng(1)
    matrix, points = rng.normal(size=(3, 2, 3)), rng.normal(size=(3, 6, 2))
    expected = np.array(
        [[m[:, :2] @ p + m[:, 2] for p in ps] for m, ps in zip(matrix, points, strict=True)]
    )
    np.testing.assert_allclose(apply_affine(matrix, points), expected)
    found = apply_affine(torch.from_numpy(matrix), torch.from_numpy(points))
    np.testing.assert_allclose(found.numpy(), expected)


def test_center_square_of_a_wide_and_a_tall_frame() -> None:
    assert center_square(640, 480) == (80, 0, 480, 480)
    assert center_square(481, 640) == (0, 79.5, 481, 481)


def test_a_turned_crop_by_hand() -> None:
    """By 90 degrees, from x towards y: the right of the crop is the image's lower side."""
    upright, turned = input_to_image_of([[10, 20, 64, 32, 0], [10, 20, 64, 32, 90]], 128)
    np.testing.assert_array_equal(upright, input_to_image_of([10, 20, 64, 32], 128)[0])
    # The square crop is 64 px wide at (10, 4), so an input pixel is half an image pixel.
    corners = np.array([[-0.5, -0.5], [127.5, -0.5], [63.5, 63.5]], np.float32)
    expected = [[73.5, 3.5], [73.5, 67.5], [41.5, 35.5]]
    np.testing.assert_allclose(apply_affine(turned, corners), expected, atol=1e-4)


PLACES = st.floats(-2000, 4000, width=32)
POINTS = arrays(float, (4, 2), elements=st.floats(-1e4, 1e4))
FACTORS = st.floats(1e-2, 1e2)
SIZES = st.sampled_from([96, 112, 128])
SIDES = st.floats(0.5, 1000, width=32)
# Half a pixel to a thousand, within and beyond a frame, at any angle.
BOXES = st.tuples(PLACES, PLACES, SIDES, SIDES, st.floats(-400, 400, width=32))


@st.composite
def similarities(draw: st.DrawFn) -> np.ndarray:
    """A matrix (2, 3) that shrinks or grows up to thirty times, turns and may mirror."""
    xy_from, xy_to = draw(arrays(float, (2, 1, 2), elements=st.floats(-500, 500)))
    angle, scale = np.array([draw(st.floats(-9, 9))]), np.array([draw(st.floats(0.03, 30))])
    return turn_about(xy_from, xy_to, angle, scale, draw(st.sampled_from([1, -1])))[0]


@given(POINTS, FACTORS, FACTORS)
def test_resizing_back_and_in_two_steps(points: np.ndarray, first: float, second: float) -> None:
    there = resize_xy(points, first)
    np.testing.assert_allclose(resize_xy(there, 1 / first), points, atol=1e-6)
    at_once = resize_xy(points, first * second)
    np.testing.assert_allclose(resize_xy(there, second), at_once, atol=1e-6 * first * second)


@given(POINTS, st.integers(1, 8))
def test_heatmap_to_input_and_back(points: np.ndarray, stride: int) -> None:
    there = heatmap_to_input(points, stride)
    np.testing.assert_allclose(input_to_heatmap(there, stride), points, atol=1e-9)


@given(PLACES, PLACES, st.floats(1, 1000), SIZES)
def test_a_square_fills_its_crop_and_the_inverse_leads_back(
    x: float, y: float, side: float, size: int
) -> None:
    matrix = square_to_crop(x, y, side, size)
    corners = np.array([[x, y], [x + side, y + side]]) - 0.5
    found = apply_affine(matrix, corners)
    nearest = 4000 * size / side * 1e-7  # float32, in pixels of the crop
    np.testing.assert_allclose(found, [[-0.5] * 2, [size - 0.5] * 2], atol=5 * nearest)
    np.testing.assert_allclose(apply_affine(invert_affine(matrix), found), corners, atol=2e-3)


@given(BOXES, SIZES, arrays(float, (4, 2), elements=st.floats(-20, 150)))
def test_input_to_image_and_back_for_boxes_at_any_angle(
    box: tuple[float, ...], size: int, xy_input: np.ndarray
) -> None:
    matrix = input_to_image_of(box, size)[0]
    xy_image = apply_affine(matrix.astype(float), xy_input)
    back = apply_affine(invert_affine(matrix.astype(float)), xy_image)
    np.testing.assert_allclose(back, xy_input, atol=1e-6)
    rounded = apply_affine(invert_affine(matrix), xy_image)
    np.testing.assert_allclose(rounded, xy_input, atol=0.5)  # 4000 px, crops of half a pixel


@given(BOXES, SIZES)
def test_a_crop_has_the_centre_side_and_angle_of_its_box(box: tuple[float, ...], size: int) -> None:
    x, y, width, height, angle = box
    matrix = input_to_image_of(box, size)[0]
    middle = apply_affine(matrix, np.full((1, 2), (size - 1) / 2))
    np.testing.assert_allclose(middle, [[x + width / 2 - 0.5, y + height / 2 - 0.5]], atol=2e-3)
    along_x = complex(*matrix[:, 0])  # the image's way of one input pixel
    expected = max(width, height) / size * np.exp(1j * np.deg2rad(angle))
    np.testing.assert_allclose(along_x, expected, rtol=1e-4)


@given(BOXES, st.floats(0.5, 2))
def test_square_boxes_have_crops_that_have_them(box: tuple[float, ...], crop_side: float) -> None:
    x, y, side, _, angle = box
    square = [[x, y, side, side, angle]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "CROP_SIDE", crop_side)
        np.testing.assert_allclose(boxes_of_crops(crops_of_boxes(square)), square, atol=2e-3)


@given(similarities(), similarities(), arrays(float, (4, 2), elements=st.floats(-100, 100)))
def test_affine_maps_compose_and_invert(
    outer: np.ndarray, inner: np.ndarray, points: np.ndarray
) -> None:
    both = compose_affine(outer, inner)
    in_two_steps = apply_affine(outer, apply_affine(inner, points))
    np.testing.assert_allclose(apply_affine(both, points), in_two_steps, atol=1e-6)
    np.testing.assert_allclose(compose_affine(invert_affine(both), both), np.eye(2, 3), atol=1e-6)
    backwards = compose_affine(invert_affine(inner), invert_affine(outer))
    np.testing.assert_allclose(invert_affine(both), backwards, rtol=1e-6, atol=1e-6)


@given(
    arrays(float, (2, 1, 2), elements=st.floats(-500, 500)),
    arrays(float, 1, elements=st.floats(-7, 7)),
    arrays(float, 1, elements=st.floats(0.1, 10)),
    st.sampled_from([1, -1]),
)
def test_a_turn_moves_its_centre_and_scales_all_distances(
    places: np.ndarray, angle: np.ndarray, scale: np.ndarray, mirror: int
) -> None:
    (xy_from, xy_to), (factor,) = places, scale
    matrix = turn_about(xy_from, xy_to, angle, scale, mirror)[0]
    np.testing.assert_allclose(apply_affine(matrix, xy_from), xy_to, atol=1e-9)
    # Its columns are the ways of one pixel along x and y: as long as each other, and upright.
    linear = matrix[:, :2]
    np.testing.assert_allclose(linear.T @ linear, factor**2 * np.eye(2), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(linear), mirror * factor**2)
    way_y = np.arctan2(-linear[0, 1], linear[1, 1])
    np.testing.assert_allclose(np.exp(1j * way_y), np.exp(1j * angle[0]), atol=1e-9)


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([5, 6, 7, 8]))
def test_a_sideways_picture_turned_back_is_as_it_was(
    width: int, height: int, orientation: int
) -> None:
    """By EXIF, turns by 90 degrees (6, 8) undo each other, and transpositions themselves (5, 7)."""
    upright = sideways_to_upright(width, height, orientation)
    back = sideways_to_upright(height, width, {6: 8, 8: 6}.get(orientation, orientation))
    np.testing.assert_array_equal(compose_affine(back, upright), np.eye(2, 3))
    corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
    expected = [[-0.5, -0.5], [height - 0.5, width - 0.5]]
    np.testing.assert_array_equal(np.sort(apply_affine(upright, corners), axis=0), expected)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_the_centred_square_touches_both_shorter_sides(width: int, height: int) -> None:
    x, y, side, other = center_square(width, height)
    assert side == other == min(width, height)
    assert (2 * x + side, 2 * y + side) == (width, height)
