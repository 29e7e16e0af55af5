from __future__ import annotations

import numpy as np
import pytest

from lmk.video.motion import Motion


def box(x: float, y: float = 50.0, side: float = 80.0) -> np.ndarray:
    return np.array([x, y, side, side], np.float32)


def moved(velocity: float, frames: int, gap_s: float = 0.04, noise: float = 0.0) -> Motion:
    random = np.random.default_rng(0)
    motion = Motion(box(0), 0.0)
    for frame in range(frames + 1):
        motion.observe(box(velocity * frame * gap_s + noise * random.normal()), frame * gap_s)
    return motion


def test_an_object_is_expected_to_go_on() -> None:
    motion = moved(velocity=500, frames=3)
    np.testing.assert_allclose(motion.predict(0.16), box(80), atol=2)
    np.testing.assert_allclose(motion.predict(0.14), box(70), atol=2)


def test_the_gain_by_hand() -> None:
    """Variances 25 + 100 * 0.1 of the speed, and 2 * (0.01 / 0.1)^2 of one that is seen."""
    motion = Motion(box(0), 0.0)
    motion.observe(box(8), 0.1)
    assert motion.predict(0.2)[0] == pytest.approx(8 + 8 * 35 / 35.02, abs=1e-3)


def test_noise_of_the_box_is_hardly_taken_for_motion() -> None:
    still = moved(velocity=0, frames=50, noise=0.4)
    assert abs(still.predict(2.04)[0] - still.box[0]) < 1.6


def test_the_first_box_at_a_time_moves_nothing() -> None:
    motion = Motion(box(0), 0.0)
    motion.observe(box(30), 0.0)
    np.testing.assert_allclose(motion.predict(0.04), box(30))


def test_after_a_long_gap_or_at_a_wild_speed_the_last_place_counts() -> None:
    motion = moved(velocity=500, frames=3)
    np.testing.assert_allclose(motion.predict(0.5), motion.box)
    wild = moved(velocity=5000, frames=3)
    assert wild.predict(0.16)[0] == pytest.approx(wild.box[0] + 40, abs=1e-3)
