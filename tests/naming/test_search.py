from __future__ import annotations

import numpy as np
import pytest

from lmk.architectures.catalogue import find_architecture
from lmk.model.points import PointSearch, heatmap_grid
from lmk.naming.search import SETTINGS, make_search, try_searches

SMALL = find_architecture("student-small")
SIDE, STRIDE = SMALL.heatmap_size, SMALL.stride
GRID = heatmap_grid(SIDE, STRIDE)


def test_the_grid_is_that_of_heatmap_pixels_in_the_input() -> None:
    grid = heatmap_grid(5, 4)
    np.testing.assert_array_equal(grid[:2], [[1.5, 1.5], [5.5, 1.5]])
    np.testing.assert_array_equal(grid[5], [1.5, 5.5])


def test_a_search_is_the_mean_under_responses_times_a_gaussian() -> None:
    random = np.random.default_rng(0)
    weights = random.normal(0, 1, (2, 6)).astype(np.float32)
    features = random.normal(0, 1, (3, 6, 64)).astype(np.float32)
    near, grid = random.uniform(5, 25, (3, 2, 2)), heatmap_grid(8, 4)
    found = PointSearch(weights, 5.0, grid)(near, features)
    for row, point in np.ndindex(3, 2):
        response = np.exp(weights[point] @ features[row])
        away2 = ((grid - near[row, point]) ** 2).sum(1)
        mass = response * np.exp(-away2 / (2 * 5.0**2))
        expected = (mass[:, None] * grid).sum(0) / mass.sum()
        np.testing.assert_allclose(found[row, point], expected, atol=1e-3)


def blobs(places: np.ndarray, seed: int) -> np.ndarray:
    """Features (R, 48, H * H) of noise, of which two channels have a blob at each place (R, 2, 2).

    The first channel is brighter by far, so that an unscaled penalty would see it alone.
    """
    random = np.random.default_rng(seed)
    features = random.normal(0, 0.1, (len(places), 48, SIDE**2)).astype(np.float32)
    for point, size in enumerate((50.0, 0.5)):
        away2 = ((GRID - places[:, point, None]) ** 2).sum(-1)
        features[:, point] += np.exp(-away2 / (2 * STRIDE**2)) * size
    return features


def test_points_that_features_show_are_found_where_the_map_is_wrong() -> None:
    random = np.random.default_rng(1)
    places = random.uniform(40, 90, (6, 2, 2))
    mapped = places + random.normal(0, 2, places.shape)
    found = try_searches(blobs(places, 2), places, mapped, np.arange(6), SMALL)
    left = np.linalg.norm(places - mapped, axis=2).mean()
    for residuals in found.residuals.values():
        assert np.linalg.norm(residuals, axis=2).mean() < 0.8 * left
    others = random.uniform(40, 90, (50, 2, 2))
    near = others + random.normal(0, 2, others.shape)
    search = make_search(found.detectors, SETTINGS[0], SMALL)
    away = np.linalg.norm(search(near, blobs(others, 3)) - others, axis=2).mean()
    assert away < 0.6 * np.linalg.norm(near - others, axis=2).mean()


def test_a_left_out_picture_is_not_known_to_its_detector() -> None:
    """Each picture has its own channel, which alone shows its point."""
    random = np.random.default_rng(4)
    places = random.uniform(50, 80, (5, 1, 2))
    features = np.zeros((5, 48, SIDE**2), np.float32)
    for row in range(5):
        away2 = ((GRID - places[row]) ** 2).sum(-1)
        features[row, row] = np.exp(-away2 / (2 * STRIDE**2))
    features += random.normal(0, 1e-3, features.shape).astype(np.float32)
    mapped = places + 6
    found = try_searches(features, places, mapped, np.arange(5), SMALL)
    away = np.linalg.norm(found.residuals[SETTINGS[0]], axis=2)
    assert away.min() > 0.8 * np.linalg.norm([6, 6])
    known = make_search(found.detectors, SETTINGS[0], SMALL)(mapped, features)
    assert np.linalg.norm(known - places, axis=2).max() < 0.6 * np.linalg.norm([6, 6])


def test_points_that_are_missing_have_no_residuals() -> None:
    places = np.random.default_rng(6).uniform(50, 80, (4, 2, 2))
    points = places.copy()
    points[2, 0] = np.nan
    mapped = places.copy()
    mapped[2, 0] = np.nan
    found = try_searches(blobs(places, 7), points, mapped, np.arange(4), SMALL)
    for residuals in found.residuals.values():
        np.testing.assert_array_equal(np.argwhere(np.isnan(residuals[..., 0])), [[2, 0]])


@pytest.mark.parametrize("pictures", [1, 30])
def test_any_number_of_pictures(pictures: int) -> None:
    places = np.random.default_rng(8).uniform(50, 80, (pictures, 2, 2))
    found = try_searches(blobs(places, 9), places, places + 1, np.arange(pictures), SMALL)
    assert found.detectors.shape == (2, 48)
    assert np.isfinite(found.detectors).all()
