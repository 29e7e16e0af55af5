from __future__ import annotations

import numpy as np
import pytest

from lmk.exporting.parity import compare, require_parity
from lmk.exporting.samples import Samples
from lmk.system.errors import ParityError

NAMES = [f"image {index}" for index in range(50)]
SAMPLES = Samples(np.zeros((50, 128, 128, 3), np.uint8), NAMES, "made up")
EXPECTED = np.random.default_rng(0).uniform(0, 128, (50, 4, 2)).astype(np.float32)


def moved(image: int, landmark: int, by_xy: tuple[float, float]) -> np.ndarray:
    actual = EXPECTED.copy()
    actual[image, landmark] += by_xy
    return actual


def test_figures_of_one_moved_landmark() -> None:
    parity = compare(moved(7, 2, (3, 4)), EXPECTED, SAMPLES)
    assert parity.max_px == pytest.approx(5, rel=1e-4)
    assert parity.mean_px == pytest.approx(5 / 200, rel=1e-4)
    assert parity.p99_px == 0  # one of 200 is beyond the 99th percentile
    assert (parity.worst_image, parity.worst_place) == ("image 7", "landmark 2")


@pytest.mark.parametrize(
    ("precision", "by_xy", "passes"),
    [
        ("fp32", (0.03, 0.03), True),
        ("fp32", (0.04, 0.04), False),
        ("fp16", (0.2, 0.1), True),
        ("fp16", (0.2, 0.2), False),
        ("bf16", (0.2, 0.2), False),
        ("int8", (90, 0), True),
        ("int8", (110, 0), False),
    ],
)
def test_limits(precision: str, by_xy: tuple[float, float], passes: bool) -> None:
    parity = compare(moved(7, 2, by_xy), EXPECTED, SAMPLES)
    if passes:
        require_parity(parity, precision)
        return
    with pytest.raises(ParityError, match="landmark 2 of image 7"):
        require_parity(parity, precision)


def test_int8_is_held_to_its_99th_percentile() -> None:
    actual = EXPECTED.copy()
    actual[:3, 0, 0] += 3  # 3 of 200
    parity = compare(actual, EXPECTED, SAMPLES)
    assert parity.mean_px < 0.5
    with pytest.raises(ParityError, match=r"p99 3\.000 px \(limit 2\.0\)"):
        require_parity(parity, "int8")


def test_landmarks_that_are_not_numbers_are_no_parity() -> None:
    parity = compare(moved(9, 1, (np.nan, 0)), EXPECTED, SAMPLES)
    assert parity.worst_image == "image 9"
    for precision in ("fp32", "int8"):
        with pytest.raises(ParityError):
            require_parity(parity, precision)
