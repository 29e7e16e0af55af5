from __future__ import annotations

import numpy as np
import pytest

from lmk.data.synthetic import NAMES, draw
from lmk.geometry import resize_xy

BLACKISH = ["left_ear", "right_ear", "nose", "left_hand", "right_hand", "left_foot", "right_foot"]
PALE = ["belly", "tail_tip"]


@pytest.fixture(scope="module")
def foxes() -> tuple[np.ndarray, np.ndarray]:
    return draw(80, seed=7)


def color_at(crops: np.ndarray, xy_crop: np.ndarray, name: str) -> np.ndarray:
    x, y = xy_crop[:, NAMES.index(name)].round().astype(int).T
    return crops[np.arange(len(crops)), y, x].astype(int)


def test_draw_returns_named_points_in_the_frame(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    crops, xy_crop = foxes
    assert crops.shape == (80, 160, 160, 3)
    assert crops.dtype == np.uint8
    assert xy_crop.shape == (80, 10, 2)
    assert xy_crop.dtype == np.float32
    assert len(set(NAMES)) == 10
    assert xy_crop.min() > 5
    assert xy_crop.max() < 154


def test_draw_repeats_itself_whatever_the_count(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    crops, xy_crop = draw(3, seed=7)
    np.testing.assert_array_equal(crops, foxes[0][:3])
    np.testing.assert_array_equal(xy_crop, foxes[1][:3])


def test_other_seed_gives_other_foxes(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    other = draw(3, seed=8)[1]
    assert np.abs(other - foxes[1][:3]).max(axis=(1, 2)).min() > 2


def test_points_follow_the_size_of_the_crop(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    crops, xy_crop = draw(2, seed=7, size=96)
    assert crops.shape == (2, 96, 96, 3)
    np.testing.assert_allclose(xy_crop, resize_xy(foxes[1][:2], 96 / 160), atol=1e-4)


@pytest.mark.parametrize("name", BLACKISH)
def test_dark_points_lie_on_dark_parts(foxes: tuple[np.ndarray, np.ndarray], name: str) -> None:
    crops, xy_crop = foxes
    assert (color_at(crops, xy_crop, name).max(axis=1) < 110).mean() > 0.95
    elsewhere = np.roll(xy_crop, 1, axis=0)  # another fox's points: the test must tell them apart
    assert (color_at(crops, elsewhere, name).max(axis=1) < 110).mean() < 0.7


@pytest.mark.parametrize("name", PALE)
def test_pale_points_lie_on_pale_parts(foxes: tuple[np.ndarray, np.ndarray], name: str) -> None:
    crops, xy_crop = foxes
    assert (color_at(crops, xy_crop, name).min(axis=1) > 150).mean() > 0.95


def test_scarf_point_lies_on_the_scarf(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    crops, xy_crop = foxes
    color = color_at(crops, xy_crop, "scarf")
    saturation = 1 - color.min(axis=1) / color.max(axis=1)
    assert (saturation > 0.4).all()


def test_nose_is_centred_on_its_point(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    """The centroid of darkness round the nose, on a pale muzzle, within a quarter of a pixel."""
    crops, xy_crop = foxes
    offsets = []
    for crop, (x, y) in zip(crops, xy_crop[:, NAMES.index("nose")], strict=True):
        left, top = round(float(x)) - 5, round(float(y)) - 4
        darkness = (140.0 - crop[top : top + 9, left : left + 11].max(axis=2)).clip(0)
        rows, columns = np.mgrid[top : top + 9, left : left + 11]
        center = np.array([(darkness * columns).sum(), (darkness * rows).sum()]) / darkness.sum()
        offsets.append(center - (x, y))
    np.testing.assert_allclose(np.median(offsets, axis=0), 0, atol=0.25)


def test_left_is_the_foxes_own_left(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    x = {name: foxes[1][:, NAMES.index(name), 0] for name in NAMES}
    for part in ("ear", "hand", "foot"):
        assert (x[f"left_{part}"] > x[f"right_{part}"]).all()
    assert (x["tail_tip"] > x["belly"]).all()


def test_every_joint_moves_relative_to_the_body(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    xy_crop = foxes[1]
    relative = xy_crop - xy_crop[:, [NAMES.index("belly")]]
    moved = np.sqrt(relative.var(axis=0).sum(axis=-1))
    articulated = [name not in ("belly", "scarf") for name in NAMES]
    assert moved[articulated].min() > 4
    assert moved[NAMES.index("left_hand")] > 12


def test_points_keep_apart(foxes: tuple[np.ndarray, np.ndarray]) -> None:
    xy_crop = foxes[1]
    distance = np.linalg.norm(xy_crop[:, :, None] - xy_crop[:, None], axis=-1)
    assert (distance + 1e9 * np.eye(len(NAMES))).min() > 6
