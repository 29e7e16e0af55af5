from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lmk.training.adaptation.involution import best_involution, mirror_distances


def involutions(free: tuple[int, ...]) -> Iterator[dict[int, int]]:
    """All ways to put points into pairs or leave them alone: 9,496 of ten."""
    if not free:
        yield {}
        return
    one, *others = free
    for other in free:
        for rest in involutions(tuple(point for point in others if point != other)):
            yield {**rest, one: other, other: one}


def symmetric_points(partners: list[int], noise_px: float, seed: int) -> tuple:
    """Points (50, K, 2) of pictures and of the mirrored ones, which trade places as told."""
    rng = np.random.default_rng(seed)
    count = len(partners)
    xy = rng.uniform(10, 117, (50, count, 2))
    mirrored = np.stack([127 - xy[..., 0], xy[..., 1]], -1)[:, partners]
    return tuple(points + rng.normal(0, noise_px, points.shape) for points in (xy, mirrored))


def test_distances_are_between_points_and_those_of_mirrored_pictures_carried_back() -> None:
    xy = np.array([[[10, 20], [100, 20]], [[30, 50], [90, 50]]], np.float32)
    mirrored = np.array([[[24, 20], [120, 24]], [[40, 50], [97, 53]]], np.float32)
    # carried back: (103, 20), (7, 24) and (87, 50), (30, 53)
    expected = [
        [(93 + 57) / 2, (5 + 3) / 2],
        [(3 + 3) / 2, (np.hypot(93, 4) + np.hypot(60, 3)) / 2],
    ]
    np.testing.assert_allclose(mirror_distances(xy, mirrored, 128), expected, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 10])
def test_the_best_involution_is_that_of_all(count: int) -> None:
    ways = np.array([[way[i] for i in range(count)] for way in involutions((*range(count),))])
    rng = np.random.default_rng(count)
    for _ in range(10):
        distances = rng.uniform(0, 40, (count, count))
        means = distances[np.arange(count), ways].mean(1)
        partners, mean = best_involution(distances)
        assert partners == ways[means.argmin()].tolist()
        assert mean == pytest.approx(means.min())


@pytest.mark.parametrize(
    "partners",
    [
        [4, 5, 2, 7, 0, 1, 6, 3, 8, 9],
        [15, 1, 9, 12, 4, 14, 6, 11, 8, 2, 10, 7, 3, 13, 5, 0],
        [*range(32, 64), *range(32)],
    ],
)
def test_points_that_trade_places_are_found(partners: list[int]) -> None:
    points = symmetric_points(partners, noise_px=2, seed=len(partners))
    found, distance_px = best_involution(mirror_distances(*points, 128))
    assert found == partners
    # between two points whose x and y deviate by 2 px each: the mean of a Rayleigh distribution
    assert distance_px == pytest.approx(2 * 2**0.5 * (np.pi / 2) ** 0.5, rel=0.06)


def test_of_an_object_seen_from_the_side_each_point_is_its_own_partner() -> None:
    points = symmetric_points(list(range(10)), noise_px=3, seed=1)
    assert best_involution(mirror_distances(*points, 128))[0] == list(range(10))
