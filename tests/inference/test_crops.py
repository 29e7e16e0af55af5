from __future__ import annotations

import numpy as np
import pytest

from lmk.geometry import apply_affine, boxes_of_crops, crops_of_boxes
from lmk.inference.crops import cut_batch, cut_crops

INPUT_SIZE = 128

WIDTH, HEIGHT = 173, 121
BOXES = {
    "shrinks, inside": (21.3, 4.6, 110.0, 113.0),
    "shrinks, beyond the right and bottom edge": (60.0, 30.5, 150.0, 260.0),
    "shrinks, beyond the left and top edge": (-150.25, -77.0, 220.0, 300.0),
    # From 6 image pixels an input pixel on, blocks of pixels are taken together first.
    "shrinks a lot, beyond all edges": (-310.3, -401.2, 800.0, 900.0),
    "shrinks a lot, the image in a corner": (-1270.5, -20.0, 1400.0, 1411.0),
    "shrinks a lot, the image in the other corner": (-33.0, -1290.25, 1500.0, 1300.0),
    "shrinks a lot, all above the image": (-300.0, -1500.5, 1000.0, 1000.0),
    "shrinks a lot, all left of and above the image": (-2500.0, -2600.0, 2000.0, 2000.0),
    "shrinks a lot, all right of the image": (400.0, -300.0, 1100.0, 900.0),
    "grows, inside": (70.7, 50.2, 31.0, 24.0),
    "grows, beyond the right edge": (150.4, 40.0, 60.0, 50.0),
}


def ramp(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Colour of the test picture at a point, BGR; linear, so that interpolation is exact, in
    whole grey levels at whole pixels."""
    return np.stack([x + 20, 2 * y + 5, 250 - x], -1)


def area_mean(box: tuple[float, float, float, float], samples: int = 32) -> np.ndarray:
    """The crop by hand, BGR: each input pixel is the mean over its square in the image.

    When the image grows a pixel's square is smaller than an image pixel, and a linear picture's
    mean is its value at the centre. Beyond the edge a point takes the nearest pixel's colour.
    """
    left, top, side, _ = crops_of_boxes(box)[0].astype(float)
    n = INPUT_SIZE * samples
    # Outer edges at left and left + side; pixel centres are half a pixel inside the edges.
    along = (np.arange(n) + 0.5) / n * side - 0.5
    columns, rows = np.clip(left + along, 0, WIDTH - 1), np.clip(top + along, 0, HEIGHT - 1)
    # The mean of a sum of a function of x and one of y is the sum of their means.
    mean_x = columns.reshape(INPUT_SIZE, samples).mean(1)
    mean_y = rows.reshape(INPUT_SIZE, samples).mean(1)
    return ramp(*np.meshgrid(mean_x, mean_y))


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return ramp(x, y).astype(np.uint8)


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_cut_crops_samples_pixel_centres_exactly(picture: np.ndarray, box: tuple) -> None:
    crops, _ = cut_crops(picture, [box], INPUT_SIZE)
    error = crops[0].astype(float) - area_mean(box)[:, :, ::-1]  # RGB against BGR
    # Up to three steps of sampling round to whole grey levels.
    assert np.abs(error).max() < 1.2
    # In image pixels: rounding alone leaves 0.05, half an input pixel of shift would be 0.12 to 1.
    # Red falls as blue rises: a shift moves them apart, rounding moves both up.
    red, green, blue = error.mean((0, 1))
    assert abs(blue - red) / 2 < 0.06
    assert abs(green) / 2 < 0.06
    assert abs(blue + red) / 2 < 0.5


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("angle", [-37.0, 90.0, 160.0])
def test_a_turned_crop_is_the_mean_over_turned_pixels(
    picture: np.ndarray, box: tuple, angle: float
) -> None:
    """Against a slow reference that samples each input pixel in 8 x 8 places."""
    crops, matrices = cut_crops(picture, [(*box, angle)], INPUT_SIZE)
    places = (np.arange(INPUT_SIZE * 8) + 0.5) / 8 - 0.5
    grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    x, y = apply_affine(matrices[0].astype(float), grid).T
    colours = ramp(np.clip(x, 0, WIDTH - 1), np.clip(y, 0, HEIGHT - 1))
    means = colours.reshape(INPUT_SIZE, 8, INPUT_SIZE, 8, 3).mean((1, 3))
    error = np.abs(crops[0].astype(float) - means[:, :, ::-1])
    # Blocks beside the image's border are not turned with the crop.
    assert np.percentile(error, 99) < 2.5
    assert error.mean() < 0.6


def test_cut_crops_takes_pictures_larger_than_opencv_warps() -> None:
    picture = np.zeros((40, 33_000, 3), np.uint8)
    picture[:, 32_900:] = 200
    crops, _ = cut_crops(picture, [[32_895.0, 5.0, 10.0, 10.0]], INPUT_SIZE)
    assert (crops[0, :, :40] == 0).all()
    assert (crops[0, :, 88:] == 200).all()


def test_cut_crops_keeps_rows_in_the_boxes_order(picture: np.ndarray) -> None:
    boxes = list(BOXES.values())
    crops, matrices = cut_crops(picture, boxes, INPUT_SIZE)
    assert crops.shape == (len(boxes), 128, 128, 3)
    assert matrices.shape == (len(boxes), 2, 3)
    for index, box in enumerate(boxes):
        alone, matrix = cut_crops(picture, [box], INPUT_SIZE)
        np.testing.assert_array_equal(crops[index], alone[0])
        np.testing.assert_array_equal(matrices[index], matrix[0])


def test_cut_batch_cuts_each_image_by_its_own_boxes(picture: np.ndarray) -> None:
    boxes = list(BOXES.values())
    pairs = [(picture, boxes[:2]), (picture, np.empty((0, 4))), (255 - picture, boxes[2:3])]
    crops, matrices = cut_batch(pairs, INPUT_SIZE)
    parts = [cut_crops(image, own, INPUT_SIZE) for image, own in pairs]
    np.testing.assert_array_equal(crops, np.concatenate([part[0] for part in parts]))
    np.testing.assert_array_equal(matrices, np.concatenate([part[1] for part in parts]))
    assert len(cut_batch(pairs[1:2], INPUT_SIZE)[0]) == 0


def test_cut_crops_matrix_leads_back_to_the_image() -> None:
    # One input pixel is half an image pixel, so the first centre lies a quarter inside the edge.
    boxes = boxes_of_crops((-6, 20, 64, 64))
    _, matrices = cut_crops(np.zeros((HEIGHT, WIDTH, 3), np.uint8), boxes, 128)
    corners = apply_affine(matrices, np.array([[[0, 0], [127, 127]]], np.float32))
    expected = [[[-6 + 0.25 - 0.5, 20 + 0.25 - 0.5], [58 - 0.25 - 0.5, 84 - 0.25 - 0.5]]]
    np.testing.assert_allclose(corners, expected, atol=1e-4)


@pytest.mark.parametrize("side", [1500.0, 640.0, 611.0, 400.0, 300.0])
def test_cut_crops_shrinks_fine_stripes_to_grey(side: float) -> None:
    rows, columns = np.mgrid[:1600, :1620]
    checks = (255 * ((rows + columns) % 2)).astype(np.uint8)
    boxes = boxes_of_crops((31.0, 22.0, side, side))
    crops, _ = cut_crops(np.repeat(checks[:, :, None], 3, 2), boxes, INPUT_SIZE)
    # Sampling without reduction leaves a standard deviation of 60 and more.
    assert np.abs(crops.astype(float) - 127.5).max() < 40
    assert crops.std() < 8.1


def test_cut_crops_bounds_memory_for_a_huge_box(picture: np.ndarray) -> None:
    crops, _ = cut_crops(picture, [(-5e5, -5e5, 1e6, 1e6)], INPUT_SIZE)
    assert crops.shape == (1, 128, 128, 3)
