"""Which arrays a landmarker takes as an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lmk import Landmarker
from lmk.system.errors import DataError

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "read only": lambda image: np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape),
    "both axes backwards": lambda image: image[::-1, ::-1],
    "colours backwards": lambda image: image[:, :, ::-1],
    "every third column": lambda image: image[:, ::3],
    "turned": lambda image: image.transpose(1, 0, 2),
    "column by column": np.asfortranarray,
    "colour by colour": lambda image: np.ascontiguousarray(np.moveaxis(image, 2, 0)).transpose(
        1, 2, 0
    ),
    "three of four colours": lambda image: np.dstack([image, image[:, :, 0]])[:, :, :3],
    "one pixel for all": lambda image: np.broadcast_to(image[:1, :1], image.shape),
}


@pytest.fixture(scope="module", params=["center", "cascade:face"])
def landmarker(request: pytest.FixtureRequest, detector: Path) -> Landmarker:
    return Landmarker(detector, "onnxruntime", region=request.param)


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_layout_in_memory_changes_nothing(
    landmarker: Landmarker, rng: np.random.Generator, layout: Callable[[np.ndarray], np.ndarray]
) -> None:
    image = layout(rng.integers(1, 256, (47, 83, 3), np.uint8))
    before = image.copy()
    found, expected = landmarker(image, (5, 4, 60, 50)), landmarker(before, (5, 4, 60, 50))
    np.testing.assert_array_equal(found.xy, expected.xy)
    np.testing.assert_array_equal(landmarker(image).xy, landmarker(before).xy)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (2, 1), (1, 700), (33000, 2), (3, 40000), (17, 5)]
)
def test_images_of_any_size_are_searched(landmarker: Landmarker, height: int, width: int) -> None:
    image = np.full((height, width, 3), 90, np.uint8)
    assert np.isfinite(landmarker(image).xy).all()
    assert landmarker(image, (-3, -2, width + 9, height + 7)).xy.shape == (1, 3, 2)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "O", "V3", "U1"])
def test_an_image_of_other_numbers_is_refused(landmarker: Landmarker, dtype: str) -> None:
    with pytest.raises(DataError, match="expected a non-empty uint8 BGR image") as caught:
        landmarker(np.zeros((8, 9, 3), dtype))
    assert "\n" not in str(caught.value)


def test_an_image_of_another_shape_is_refused(
    landmarker: Landmarker, rng: np.random.Generator
) -> None:
    for _ in range(100):
        shape = tuple(rng.integers(0, 6, rng.integers(0, 5)).tolist())
        if len(shape) == 3 and shape[2] == 3 and 0 not in shape:
            continue
        with pytest.raises(DataError, match="expected a non-empty uint8 BGR image") as caught:
            landmarker(np.zeros(shape, np.uint8))
        assert str(shape) in str(caught.value)
        assert "\n" not in str(caught.value)
