from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lmk.data.photograph import photograph
from lmk.demo.clip import frames
from lmk.video.scene import COLUMNS, ROWS, glance, same_scene


def test_a_glance_by_hand() -> None:
    """The middle of each of 18 x 32 parts of the frame; two pixels a part, so the second one."""
    image = np.zeros((2 * ROWS, 2 * COLUMNS, 3), np.uint8)
    image[1::2, 1::2, 1] = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 256
    np.testing.assert_array_equal(glance(image), image[1::2, 1::2, 1])
    assert glance(image[:1, :1]).shape == (ROWS, COLUMNS)


def test_frames_of_a_moving_camera_are_one_scene_and_another_picture_is_not() -> None:
    glances = [glance(image) for image in frames()]
    assert all(same_scene(*pair) for pair in pairwise(glances))
    other = photograph()[250:, :250]  # the suit, without the face
    assert not any(same_scene(one, glance(other)) for one in glances)


@pytest.mark.parametrize("gain", [0.9, 1.1])
def test_more_light_is_no_other_scene(gain: float) -> None:
    image = photograph()
    lighter = np.clip(image * gain + 30, 0, 255).astype(np.uint8)
    assert same_scene(glance(image), glance(lighter))


def test_a_small_object_on_a_plain_wall_may_jump() -> None:
    wall = np.full((240, 320, 3), 120, np.uint8)
    one, other = wall.copy(), wall.copy()
    one[20:120, 10:110] = 255
    other[100:200, 200:300] = 255
    assert same_scene(glance(one), glance(other))
