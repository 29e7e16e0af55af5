"""Pictures from disk to one array, decoded and resized once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmk.errors import DataError, missing_extra
from lmk.progress import Reporter

if TYPE_CHECKING:
    Image = npt.NDArray[np.uint8]

CROP_SIZE = 160  # a fifth more than the network's input, so that a zoom loses no detail
SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
MAX_BAD_SHARE = 0.1


def list_images(folder: Path) -> list[Path]:
    """Find the pictures below a folder, sorted by path. Raises DataError if there are none."""
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of images")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DataError(f"no images below {folder}: expected {', '.join(sorted(SUFFIXES))} files")
    return paths


def read_image(path: Path, upright: bool = True) -> Image:
    """Decode one picture as uint8 RGB (H, W, 3). Raises DataError.

    Turned as its EXIF orientation says, unless `upright` is False.
    """
    try:
        import cv2
    except ImportError as error:
        raise missing_extra("opencv-python", "train") from error
    try:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    # cv2.error on an empty buffer, None on bytes that are no picture
    flags = cv2.IMREAD_COLOR | (0 if upright else cv2.IMREAD_IGNORE_ORIENTATION)
    image = cv2.imdecode(encoded, flags) if encoded.size else None
    if image is None:
        raise DataError(f"{path} is not a picture that OpenCV can decode")
    return np.ascontiguousarray(image[:, :, ::-1])


def square_crop(image: Image, size: int = CROP_SIZE) -> tuple[Image, npt.NDArray[np.float32]]:
    """Cut the centred square out of an image (H, W, 3) and resize it to (size, size, 3).

    Returns the crop and the matrix (2, 3) from image to crop pixels.
    """
    import cv2

    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    scale = size / side
    if side != size:
        method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
        square = cv2.resize(square, (size, size), interpolation=method)
    offsets = [(0.5 - left) * scale - 0.5, (0.5 - top) * scale - 0.5]
    matrix = np.array([[scale, 0, offsets[0]], [0, scale, offsets[1]]], np.float32)
    return square, matrix


def load_crops(
    paths: Sequence[Path], report: Reporter, size: int = CROP_SIZE
) -> tuple[Image, npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """Decode pictures in parallel.

    Returns uint8 RGB crops (N, size, size, 3), matrices (N, 2, 3) from image to crop pixels, and
    the indices (N,) of the paths that could be read. Unreadable files are skipped and counted;
    raises DataError when more than a tenth of all are unreadable.
    """
    crops = np.empty((len(paths), size, size, 3), np.uint8)
    matrices = np.zeros((len(paths), 2, 3), np.float32)
    bad: list[str] = []

    def load(index: int) -> None:
        try:
            crops[index], matrices[index] = square_crop(read_image(paths[index]), size)
        except DataError as error:
            bad.append(str(error))
            matrices[index] = np.nan

    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        report.bar("decoding images", len(paths)) as bar,
    ):
        for _ in pool.map(load, range(len(paths))):
            bar.advance()
    good = np.flatnonzero(~np.isnan(matrices[:, 0, 0]))
    if len(bad) > MAX_BAD_SHARE * len(paths):
        raise DataError(f"{len(bad)} of {len(paths)} images cannot be read, the first: {bad[0]}")
    if bad:
        report.warn(f"skipped {len(bad)} of {len(paths)} images, the first: {bad[0]}")
        crops, matrices = crops[good], matrices[good]
    return crops, matrices, good
