from __future__ import annotations

import numpy as np
import pytest
import torch

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
    square_to_crop,
    turn_about,
)

N = 300  # drawn cases per property


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


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def drawn_boxes(rng: np.random.Generator) -> np.ndarray:
    """Boxes (N, 5) of half a pixel to a thousand, within and beyond a frame, at any angle."""
    places, sizes = rng.uniform(-2000, 4000, (N, 2)), 10 ** rng.uniform(-0.3, 3, (N, 2))
    return np.c_[places, sizes, rng.uniform(-400, 400, N)].astype(np.float32)


def drawn_similarities(rng: np.random.Generator) -> np.ndarray:
    """Matrices (N, 2, 3) that shrink or grow up to thirty times, turn and may mirror."""
    places_from, places_to = rng.uniform(-500, 500, (2, N, 2))
    scale, mirror = 10 ** rng.uniform(-1.5, 1.5, N), rng.choice([-1, 1], N)
    return turn_about(places_from, places_to, rng.uniform(-9, 9, N), scale, mirror)


def test_resizing_back_and_in_two_steps(rng: np.random.Generator) -> None:
    points = rng.uniform(-1e4, 1e4, (N, 2))
    for first, second in 10 ** rng.uniform(-2, 2, (N, 2)):
        there = resize_xy(points, first)
        np.testing.assert_allclose(resize_xy(there, 1 / first), points, atol=1e-6)
        np.testing.assert_allclose(
            resize_xy(there, second), resize_xy(points, first * second), atol=1e-6 * first * second
        )


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
def test_heatmap_to_input_and_back(rng: np.random.Generator, stride: int) -> None:
    points = rng.uniform(-10, 100, (N, 2))
    np.testing.assert_allclose(
        input_to_heatmap(heatmap_to_input(points, stride), stride), points, atol=1e-9
    )


def test_a_square_fills_its_crop_and_the_inverse_leads_back(rng: np.random.Generator) -> None:
    places, sides, size = rng.uniform(-900, 900, (N, 2)), 10 ** rng.uniform(0, 3, N), 96
    matrices = square_to_crop(places[:, 0], places[:, 1], sides, size)
    corners = np.stack([places - 0.5, places - 0.5 + sides[:, None]], 1)
    expected = np.broadcast_to([[-0.5, -0.5], [95.5, 95.5]], (N, 2, 2))
    found = apply_affine(matrices, corners)
    nearest = np.abs(places).max() * size * 1e-7  # float32, of a square of one pixel
    np.testing.assert_allclose(found, expected, atol=5 * nearest)
    np.testing.assert_allclose(apply_affine(invert_affine(matrices), found), corners, atol=1e-3)


def test_input_to_image_and_back_for_boxes_at_any_angle(rng: np.random.Generator) -> None:
    for size in (96, 128):
        matrices = input_to_image_of(drawn_boxes(rng), size)
        xy_input = rng.uniform(-20, size + 20, (N, 6, 2))
        xy_image = apply_affine(matrices.astype(float), xy_input)
        back = apply_affine(invert_affine(matrices.astype(float)), xy_image)
        np.testing.assert_allclose(back, xy_input, atol=1e-6)
        rounded = apply_affine(invert_affine(matrices), xy_image)
        np.testing.assert_allclose(rounded, xy_input, atol=0.5)  # 4000 px, crops of half a pixel


def test_a_crop_has_the_centre_side_and_angle_of_its_box(rng: np.random.Generator) -> None:
    boxes, size = drawn_boxes(rng), 112
    matrices = input_to_image_of(boxes, size)
    middle = np.full((N, 1, 2), (size - 1) / 2)
    centres = boxes[:, :2] + boxes[:, 2:4] / 2 - 0.5
    np.testing.assert_allclose(apply_affine(matrices, middle)[:, 0], centres, atol=2e-3)
    along_x = matrices[:, 0, 0] + 1j * matrices[:, 1, 0]  # the image's way of one input pixel
    turn = np.exp(1j * np.deg2rad(boxes[:, 4].astype(float)))
    side = boxes[:, 2:4].max(1)
    np.testing.assert_allclose(along_x / (turn * side / size), np.ones(N), atol=1e-4)


def test_square_boxes_have_crops_that_have_them(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geometry, "CROP_SIDE", 1.3)
    boxes = drawn_boxes(rng)
    boxes[:, 3] = boxes[:, 2]
    np.testing.assert_allclose(boxes_of_crops(crops_of_boxes(boxes)), boxes, atol=2e-3)


def test_affine_maps_compose_and_invert(rng: np.random.Generator) -> None:
    outer, inner = drawn_similarities(rng), drawn_similarities(rng)
    points = rng.uniform(-100, 100, (N, 4, 2))
    both = compose_affine(outer, inner)
    np.testing.assert_allclose(
        apply_affine(both, points), apply_affine(outer, apply_affine(inner, points)), atol=1e-6
    )
    identity = np.broadcast_to(np.eye(2, 3), (N, 2, 3))
    np.testing.assert_allclose(compose_affine(invert_affine(both), both), identity, atol=1e-6)
    backwards = compose_affine(invert_affine(inner), invert_affine(outer))
    np.testing.assert_allclose(invert_affine(both), backwards, rtol=1e-6, atol=1e-6)


def test_a_turn_moves_its_centre_and_scales_all_distances(rng: np.random.Generator) -> None:
    xy_from, xy_to = rng.uniform(-500, 500, (2, N, 2))
    scale, mirror = 10 ** rng.uniform(-1, 1, N), rng.choice([-1, 1], N)
    matrices = turn_about(xy_from, xy_to, rng.uniform(-7, 7, N), scale, mirror)
    np.testing.assert_allclose(apply_affine(matrices, xy_from[:, None])[:, 0], xy_to, atol=1e-9)
    points = rng.uniform(-50, 50, (N, 2, 2))
    there = apply_affine(matrices, points)
    lengths = np.linalg.norm(points[:, 0] - points[:, 1], axis=-1)
    np.testing.assert_allclose(
        np.linalg.norm(there[:, 0] - there[:, 1], axis=-1), scale * lengths, atol=1e-6
    )
    np.testing.assert_allclose(np.linalg.det(matrices[..., :2]), mirror * scale**2)


def test_the_centred_square_touches_both_shorter_sides(rng: np.random.Generator) -> None:
    for width, height in rng.integers(1, 5000, (N, 2)).tolist():
        x, y, side, other = center_square(width, height)
        assert side == other == min(width, height)
        assert (2 * x + side, 2 * y + side) == (width, height)
