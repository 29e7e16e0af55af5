"""A video whose landmarks are known, and a disk that is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from colour_detector import dots_image

WIDTH, HEIGHT, FPS, FRAMES = 176, 144, 12.5, 9


def dots_at(index: int) -> np.ndarray:
    """Where frame `index` of the clip has its dots, (3, 2) in image pixels."""
    start = np.array([[50.0, 40.0], [70.0, 90.0], [95.0, 60.0]])
    return start + index * np.array([4.0, 2.0])


def save_clip(path: Path) -> Path:
    """Write a video of dots that move, 9 frames of 176 x 144 at 12.5 a second; .mkv is lossless."""
    codec = "FFV1" if path.suffix == ".mkv" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, (WIDTH, HEIGHT))
    for index in range(FRAMES):
        writer.write(dots_image((WIDTH, HEIGHT), dots_at(index)))
    writer.release()
    return path


def read_clip(path: Path) -> list[np.ndarray]:
    """Read all frames of a video with OpenCV alone."""
    reader = cv2.VideoCapture(str(path))
    frames = []
    while True:
        good, image = reader.read()
        if not good:
            return frames
        frames.append(image)


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond `limit` bytes, as a full disk would."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
