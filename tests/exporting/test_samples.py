from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lmk.artifact.batch import BatchRange, parse_batch
from lmk.exporting.samples import calibration_samples, drawn_samples, folder_samples
from lmk.system.errors import DataError, UsageError


def save(folder: Path, images: list[np.ndarray]) -> Path:
    for index, image in enumerate(images):
        cv2.imwrite(str(folder / f"{index:03d}.png"), image)
    return folder


def noise(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (96, 144, 3), np.uint8) for _ in range(count)]


def test_crops_are_the_centred_square_in_rgb(tmp_path: Path) -> None:
    """Left and right of the square are white; its left half is blue, its right half red."""
    image = np.full((60, 100, 3), 255, np.uint8)
    image[:, 20:50], image[:, 50:80] = (255, 0, 0), (0, 0, 255)  # BGR
    samples = folder_samples(save(tmp_path, [image]), limit=5, input_size=128)
    assert samples.crops.shape == (1, 128, 128, 3)
    assert samples.names == ["000.png"]
    assert samples.crops[0, 64, 2].tolist() == [0, 0, 255]
    assert samples.crops[0, 64, 125].tolist() == [255, 0, 0]


def test_a_large_folder_is_sampled_evenly(tmp_path: Path) -> None:
    samples = folder_samples(save(tmp_path, noise(9)), limit=3, input_size=128)
    assert samples.names == ["000.png", "004.png", "008.png"]


def test_calibration_needs_enough_different_photographs(tmp_path: Path) -> None:
    save(tmp_path, noise(31))
    with pytest.raises(DataError, match="31 different pictures: calibration needs at least 32"):
        calibration_samples(tmp_path, 128)
    cv2.imwrite(str(tmp_path / "copy.png"), noise(1)[0])
    with pytest.raises(DataError, match="31 different"):
        calibration_samples(tmp_path, 128)


def test_calibration_refuses_blank_pictures(tmp_path: Path) -> None:
    blank = [np.full((32, 32, 3), level, np.uint8) for level in range(40)]
    with pytest.raises(DataError, match=r"100% of the pictures .* nearly uniform in colour"):
        calibration_samples(save(tmp_path, blank), 128)


def test_calibration_refuses_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(DataError, match="no images below"):
        calibration_samples(tmp_path, 128)
    with pytest.raises(DataError, match="is not a folder"):
        calibration_samples(tmp_path / "clip.mp4", 128)


def test_split_holds_samples_out() -> None:
    rest, held = drawn_samples(128, 8).split(4)
    assert rest.names == [f"drawn fox {i}" for i in (0, 1, 2, 4, 5, 6)]
    assert held.names == ["drawn fox 3", "drawn fox 7"]
    np.testing.assert_array_equal(held.crops, drawn_samples(128, 8).crops[[3, 7]])
    assert held.source == "held-out part of drawn foxes"


def test_batch_options() -> None:
    assert parse_batch("dynamic") == BatchRange(1, 1, None)
    assert parse_batch("4") == BatchRange(4, 4, 4)
    assert parse_batch("1:2:8") == BatchRange(1, 2, 8)
    for text in ("0", "-1", "4:2:8", "1:2", "many", "", "1:2:3:4"):
        with pytest.raises(UsageError, match="expected --batch"):
            parse_batch(text)
