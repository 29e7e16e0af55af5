"""Detect faces of people and cats with the cascades of OpenCV 4."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.inference.pool import Pool
from lmk.system.errors import UnavailableError
from lmk.system.opencv import cv2

CASCADES = {
    "face": "haarcascade_frontalface_alt2.xml",
    "cat": "haarcascade_frontalcatface_extended.xml",
}
SYSTEM = (Path("/usr/share/opencv4/haarcascades"), Path("/usr/local/share/opencv4/haarcascades"))
LONGER_SIDE_PX = 640  # frames are shrunk to this: a cascade's time grows with their area
SMALLEST = 0.1  # side of the smallest object, as a share of the frame's shorter side
STEP, NEIGHBOURS = 1.1, 3


class Cascade:
    """Make the Viola-Jones detector for `kind` "face" or "cat". Raises UnavailableError."""

    def __init__(self, kind: str) -> None:
        file = str(_file(CASCADES[kind]))
        self._detectors = Pool(lambda: cv2.CascadeClassifier(file))

    def __call__(self, image_bgr: Image) -> FloatArray:
        """See `Find`."""
        shrink = max(max(image_bgr.shape[:2]) / LONGER_SIDE_PX, 1.0)
        size_wh = [max(round(side / shrink), 1) for side in image_bgr.shape[1::-1]]
        small = cv2.resize(image_bgr, size_wh, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        least = max(round(SMALLEST * min(size_wh)), 1)
        with self._detectors.take() as detector:
            found = detector.detectMultiScale(grey, STEP, NEIGHBOURS, minSize=(least, least))
        scale = np.array(image_bgr.shape[1::-1]) / size_wh
        # OpenCV's threads leave them in an order that changes from call to call.
        boxes = np.array(sorted(map(tuple, found)), np.float32).reshape(-1, 4)
        return boxes * np.tile(scale, 2).astype(np.float32)


def _file(name: str) -> Path:
    data = getattr(cv2, "data", None)  # only PyPI's OpenCV says where they are
    folders = [Path(data.haarcascades)] if data else list(SYSTEM)
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise UnavailableError(
        f"this OpenCV has no {name} in {', '.join(map(str, folders))}: install the package "
        "opencv-data, or choose another --region"
    )
