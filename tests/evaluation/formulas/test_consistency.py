from __future__ import annotations

import cmath
import itertools
import math

import numpy as np
import pytest

from lmk.evaluation.formulas.consistency import consistency, mirror_consistency, random_turns
from lmk.evaluation.views import MIRRORED, brightened, noisy, turn_images, turned

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
    turned_xy = centroids(turned(12, seed=1).change(images, range(12)))
    result = consistency(centroids(images), turned_xy, random_turns(12, seed=1))
    assert result.distance_px.shape == (12, 3)
    assert result.distance_px.max() < 0.1


def test_detector_that_turns_exactly_has_no_distance() -> None:
    _, xy = draw_dots(4)
    matrices = random_turns(4, seed=1)
    moved = [[m[:, :2] @ point + m[:, 2] for point in p] for m, p in zip(matrices, xy, strict=True)]
    assert consistency(xy, np.array(moved), matrices).distance_px.max() < 1e-4


def test_constant_detector_has_the_distance_each_point_turns() -> None:
    """By hand with complex numbers: |p - c| |1 - s e^(i angle)|, s = 1 / (|cos| + |sin|)."""
    found, matrices = constant(np.zeros(7)), random_turns(7, seed=2)
    result = consistency(found, found, matrices)
    for i, matrix in enumerate(matrices):
        angle = angle_of(matrix)
        scale = 1 / (abs(math.cos(angle)) + abs(math.sin(angle)))
        for k, (x, y) in enumerate(CONSTANT):
            arm = complex(x - 63.5, y - 63.5)
            expected = abs(arm - scale * cmath.exp(1j * angle) * arm)
            assert result.distance_px[i, k] == pytest.approx(expected, abs=1e-3)
    per_point = [sum(result.distance_px[:, k]) / 7 for k in range(3)]
    np.testing.assert_allclose(result.per_landmark, per_point, rtol=1e-5)
    assert result.per_landmark[1] == pytest.approx(0, abs=1e-4)
    assert result.average == pytest.approx(sum(per_point) / 3, rel=1e-5)


def test_consistency_without_a_transform_is_the_distance_moved() -> None:
    found = np.zeros((2, 2, 2))
    changed = np.array([[[3, 4], [0, 0]], [[0, 0], [6, 8]]])
    np.testing.assert_allclose(consistency(found, changed).distance_px, [[5, 0], [0, 10]])


def test_mirrored_landmarks_of_a_symmetric_detector() -> None:
    """Left and right swap, the third stays: only the assignment sees no error."""
    found = np.array([[[40, 50], [90, 52], [63.5, 80]], [[30, 50], [80, 52], [55, 85]]])
    swapped = np.array([[127 - x, y] for x, y in found.reshape(-1, 2)]).reshape(2, 3, 2)
    result = mirror_consistency(found, swapped[:, [1, 0, 2]])
    assert result.known is None
    np.testing.assert_array_equal(result.partner, [1, 0, 2])
    np.testing.assert_allclose(result.assigned.distance_px, 0, atol=1e-4)
    # By hand: the first two lie 50 across and 2 down from each other.
    apart = math.hypot(50, 2)
    np.testing.assert_allclose(result.same_index.distance_px, [[apart, apart, 0]] * 2, atol=1e-4)


def test_partners_that_a_model_names_are_measured_as_they_are() -> None:
    """The model says that 0 and 2 swap, but in mirrored pictures 0 and 1 do."""
    found = np.array([[[40, 50], [90, 52], [63.5, 80]]])
    mirrored = np.array([[[127 - 90, 52], [127 - 40, 50], [63.5, 80]]])
    named = mirror_consistency(found, mirrored, [2, 1, 0]).known
    # By hand: where 0, 1 and 2 are in the mirrored picture, and what is found as 2, 1 and 0.
    expected = [math.hypot(87 - 63.5, 50 - 80), math.hypot(37 - 87, 52 - 50)]
    expected.append(math.hypot(63.5 - 37, 80 - 52))
    assert named is not None
    np.testing.assert_allclose(named.distance_px, [expected], rtol=1e-5)
    right = mirror_consistency(found, mirrored, [1, 0, 2]).known
    assert right is not None
    assert right.average == pytest.approx(0, abs=1e-4)


def test_mirrored_assignment_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    found, mirrored = rng.uniform(0, 127, (2, 9, 4, 2))
    result = mirror_consistency(found, mirrored)
    means = {}
    for partner in itertools.permutations(range(4)):
        total = 0.0
        for image in range(9):
            for k in range(4):
                x, y = found[image, k]
                other = mirrored[image, partner[k]]
                total += math.hypot(127 - x - other[0], y - other[1])
        means[partner] = total / 36
    best = min(means, key=means.get)
    assert tuple(result.partner) == best
    assert result.assigned.average == pytest.approx(means[best], rel=1e-5)
    assert result.same_index.average == pytest.approx(means[0, 1, 2, 3], rel=1e-5)


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


def test_mirrored_image_has_its_columns_in_reverse() -> None:
    images, _ = draw_dots(2)
    mirrored = MIRRORED.change(images, range(2))
    np.testing.assert_array_equal(mirrored[1, 7, 0], images[1, 7, 127])
    np.testing.assert_array_equal(mirrored[0, 100, 90], images[0, 100, 37])


@pytest.mark.parametrize("make", [brightened, noisy, lambda seed: turned(9, seed)])
def test_views_depend_on_seed_and_index_alone(make) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 128, 128, 3), dtype=np.uint8)
    whole = make(1).change(images, range(9))
    np.testing.assert_array_equal(make(1).change(images[4:7], range(4, 7)), whole[4:7])
    assert not np.array_equal(make(2).change(images, range(9)), whole)
    assert make(1).description != make(2).description


def test_brightened_image_is_multiplied_by_one_gain() -> None:
    images = np.full((40, 128, 128, 3), 100, np.uint8)
    lit = brightened(seed=0).change(images, range(40))
    assert all(len(np.unique(image)) == 1 for image in lit)
    levels = lit[:, 0, 0, 0]
    assert 60 <= levels.min() < 70
    assert 130 < levels.max() <= 140
    assert brightened(0).change(np.full_like(images, 250), range(40)).max() == 255


def test_noise_has_the_stated_deviation() -> None:
    images = np.full((3, 128, 128, 3), 100, np.uint8)
    change = noisy(seed=0).change(images, range(3)).astype(float) - 100
    assert change.std() == pytest.approx(12, abs=0.1)
    assert abs(change.mean()) < 0.1
    assert not np.array_equal(change[0], change[1])
