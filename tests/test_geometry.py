from __future__ import annotations

import numpy as np
import torch

from lmk import geometry
from lmk.geometry import (
    apply_affine,
    boxes_of_crops,
    center_square,
    crops_of_boxes,
    heatmap_to_input,
    input_to_heatmap,
    input_to_image_of,
    invert_affine,
    resize_xy,
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
