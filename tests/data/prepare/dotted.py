"""Pictures with a bright dot at every annotated point, and a look at where the dots are."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

GREY = 40
DOT_PX = 2.0  # standard deviation


def draw_dots(path: Path, size_wh: tuple[int, int], xy_image: np.ndarray) -> None:
    """Write a dark picture with a dot at each of the points (K, 2), between pixels too."""
    width, height = size_wh
    image = np.full((height, width), float(GREY))
    for px, py in np.asarray(xy_image, float):
        near_x = np.exp(-((np.arange(width) - px) ** 2) / (2 * DOT_PX**2))
        near_y = np.exp(-((np.arange(height) - py) ** 2) / (2 * DOT_PX**2))
        image += (250 - GREY) * near_y[:, None] * near_x
    path.parent.mkdir(parents=True, exist_ok=True)
    done = cv2.imwrite(
        str(path), np.round(image).clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 100]
    )
    assert done


def read_split(file: Path) -> list[dict]:
    """Read a COCO file: for each image its entry and its object, None where it has none."""
    content = json.loads(file.read_text())
    objects = {entry["image_id"]: entry for entry in content["annotations"]}
    return [{"image": image, "object": objects.get(image["id"])} for image in content["images"]]


def sources_of(file: Path) -> list[str]:
    """List the source pictures of a COCO file."""
    return [entry["image"]["source"] for entry in read_split(file)]


def points_of(entry: dict) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (K, 2) in crop pixels and their flags (K,) of an entry of `read_split`."""
    flat = np.array(entry["object"]["keypoints"], float).reshape(-1, 3)
    return flat[:, :2], flat[:, 2]


def assert_dots_at_keypoints(file: Path) -> int:
    """Check that every labelled keypoint of a COCO file lies on a dot; returns their number."""
    checked = 0
    for entry in read_split(file):
        crop = cv2.imread(str(file.parent / "images" / entry["image"]["file_name"]))
        crop = crop[:, :, 1].astype(float)
        assert crop.shape == (entry["image"]["height"], entry["image"]["width"])
        reach = 2.5 * DOT_PX * len(crop) / entry["image"]["source_crop_px"]
        xy, flags = points_of(entry)
        for px, py in xy[flags > 0]:
            found = _dot_near(crop, px, py, reach)
            np.testing.assert_allclose(found, [px, py], atol=0.3, err_msg=str(entry))
            checked += 1
    return checked


def _dot_near(crop: np.ndarray, px: float, py: float, reach: float) -> tuple[float, float]:
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]]
    weight = np.where((x - px) ** 2 + (y - py) ** 2 <= reach**2, crop - GREY, 0).clip(0)
    assert weight.max() > 60, f"no dot at {px:.1f}, {py:.1f}"
    return float((weight * x).sum() / weight.sum()), float((weight * y).sum() / weight.sum())
