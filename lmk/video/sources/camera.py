"""Cameras of this machine."""

from __future__ import annotations

import os
from collections import Counter

from lmk.system.errors import UsageError
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter
from lmk.video.sources.address import READ_TIMEOUT_S, Address
from lmk.video.sources.base import Source
from lmk.video.sources.capture import Capture
from lmk.video.sources.live import LiveSource

REMEDY = "plug it in, close other programs that use it, or choose another as webcam:NUMBER"


def open_camera(text: str, report: Reporter | None) -> Source:
    """Open `webcam`, `webcam:NUMBER` or a V4L2 path such as /dev/video0.

    Raises UsageError for an invalid number, and SourceError.
    """
    if text.startswith("/dev/"):
        address = Address(text, f"camera {text}", REMEDY, cv2.CAP_V4L2)
    else:
        number = text.partition(":")[2] or "0"
        if not number.isdecimal():
            raise UsageError(f"expected webcam or webcam:NUMBER, got {text}")
        address = Address(int(number), f"camera {number}", REMEDY)
    # V4L2 reads this when its first camera is opened, and waits 10 s otherwise.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(round(READ_TIMEOUT_S)))
    dropped: Counter[str] = Counter()
    return LiveSource(address, Capture(address, dropped, report), dropped, report)
