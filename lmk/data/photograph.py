"""A photograph of a face that comes with lmk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import Image
from lmk.system.opencv import cv2

PHOTOGRAPH = Path(__file__).with_name("astronaut.jpg")  # Eileen Collins; NASA, public domain
# The face in it: its centre, and the side of a square round it that is framed as in training.
FACE_XY = (224.5, 121.0)
FACE_SIDE = 118.0


def photograph() -> Image:
    """Read the photograph, uint8 BGR (512, 512, 3)."""
    return np.asarray(cv2.imread(str(PHOTOGRAPH)), np.uint8)
