"""A short clip of a real face, made by moving a camera over a photograph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.data.photograph import FACE_SIDE, FACE_XY, photograph
from lmk.geometry import turn_about
from lmk.system.opencv import cv2
from lmk.video.sinks.mp4 import Mp4

SIZE_WH = (640, 480)
FPS = 25.0
FRAMES = 150


def camera_path() -> FloatArray:
    """Matrices (T, 2, 3) from the photograph's to each frame's pixels: pan, rotation and zoom."""
    t = np.linspace(0, 2 * np.pi, FRAMES, endpoint=False)
    angle = np.radians(16) * np.sin(t)
    scale = SIZE_WH[1] / FACE_SIDE * np.exp(0.14 * np.sin(2 * t))
    shift = SIZE_WH[1] * np.stack([0.06 * np.sin(2 * t), 0.04 * np.sin(3 * t)], axis=1)
    middle = (np.array(SIZE_WH) - 1) / 2
    path = turn_about(np.array(FACE_XY), middle + shift, angle, scale)
    return np.asarray(path, np.float32)


def frames() -> Iterator[Image]:
    """Yield the frames, uint8 BGR (480, 640, 3)."""
    image = photograph()
    for matrix in camera_path():
        yield cv2.warpAffine(
            image, matrix, SIZE_WH, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )


def write_clip(path: Path) -> None:
    """Write the clip as MP4. Raises OutputError."""
    video = Mp4(path, FPS)
    for index, frame in enumerate(frames()):
        video.add(frame, index / FPS)
    video.close()
