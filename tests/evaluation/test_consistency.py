from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from lmk.errors import DataError
from lmk.evaluation.consistency import consistency, random_turns, turn_images

CONSTANT = np.array([[20, 30], [63.5, 63.5], [100, 80]], np.float32)


def draw_dots(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A soft red, green and blue dot on black, and their centres (N, 3, 2)."""
    xy = np.random.default_rng(0).uniform(25, 100, (count, 3, 2))
    y, x = np.mgrid[:128, :128]
    images = np.zeros((count, 128, 128, 3))
    for i in range(count):
        for c in range(3):
            images[i, :, :, c] = np.exp(-((x - xy[i, c, 0]) ** 2 + (y - xy[i, c, 1]) ** 2) / 32)
    return (255 * images).round().astype(np.uint8), xy


def centroids(images: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:128, :128]
    mass = images.astype(float)
    total = mass.sum(axis=(1, 2))
    columns, rows = ((mass * grid[..., None]).sum(axis=(1, 2)) / total for grid in (x, y))
    return np.stack([columns, rows], axis=-1).astype(np.float32)


def constant(images: np.ndarray) -> np.ndarray:
    return np.repeat(CONSTANT[None], len(images), axis=0)


def angle_of(matrix: np.ndarray) -> float:
    return math.atan2(matrix[1, 0], matrix[0, 0])


def test_equivariant_detector_is_consistent() -> None:
    images, xy = draw_dots(12)
    np.testing.assert_allclose(centroids(images), xy, atol=0.1)
    result = consistency(centroids, images, seed=1, batch=5)
    assert result.distance_px.shape == (12, 3)
    assert result.distance_px.max() < 0.1


def test_constant_detector_has_the_distance_each_point_turns() -> None:
    """By hand with complex numbers: |p - c| |1 - s e^(i angle)|, s = 1 / (|cos| + |sin|)."""
    images = np.zeros((7, 128, 128, 3), np.uint8)
    result = consistency(constant, images, seed=2, batch=3)
    for i, matrix in enumerate(random_turns(7, seed=2)):
        angle = angle_of(matrix)
        scale = 1 / (abs(math.cos(angle)) + abs(math.sin(angle)))
        for k, (x, y) in enumerate(CONSTANT):
            arm = complex(x - 63.5, y - 63.5)
            expected = abs(arm - scale * cmath.exp(1j * angle) * arm)
            assert result.distance_px[i, k] == pytest.approx(expected, abs=1e-3)
    per_point = [sum(result.distance_px[:, k]) / 7 for k in range(3)]
    np.testing.assert_allclose(result.per_point, per_point, rtol=1e-5)
    assert result.per_point[1] == pytest.approx(0, abs=1e-4)
    assert result.average == pytest.approx(sum(per_point) / 3, rel=1e-5)


def test_turns_keep_the_square_inside_and_touch_its_edge() -> None:
    corners = np.array([[-0.5, -0.5], [127.5, -0.5], [127.5, 127.5], [-0.5, 127.5]])
    for matrix in random_turns(50, seed=0):
        turned = corners @ matrix[:, :2].T + matrix[:, 2]
        assert turned.min() == pytest.approx(-0.5, abs=1e-3)
        assert turned.max() == pytest.approx(127.5, abs=1e-3)


def test_turns_follow_the_authors_distribution() -> None:
    degrees = [math.degrees(angle_of(matrix)) for matrix in random_turns(4000, seed=0)]
    assert np.mean(degrees) == pytest.approx(0, abs=1)
    assert np.std(degrees) == pytest.approx(15, abs=0.5)


def test_turns_depend_on_seed_and_index_alone() -> None:
    np.testing.assert_array_equal(random_turns(3, seed=5), random_turns(9, seed=5)[:3])
    assert not np.allclose(random_turns(3, seed=5), random_turns(3, seed=6))


def test_turned_image_repeats_its_edge() -> None:
    images = np.full((2, 128, 128, 3), 200, np.uint8)
    assert (turn_images(images, random_turns(2, seed=3)) == 200).all()


def test_images_of_another_size_are_an_error() -> None:
    with pytest.raises(DataError, match="128"):
        consistency(constant, np.zeros((2, 160, 160, 3), np.uint8))
    with pytest.raises(DataError, match="128"):
        consistency(constant, np.zeros((0, 128, 128, 3), np.uint8))
