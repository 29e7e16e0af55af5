"""Addresses for OpenCV, and their titles in messages."""

from __future__ import annotations

from dataclasses import dataclass

from lmk.system.opencv import cv2

OPEN_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 2.0
# Those of OpenCV's back ends that read from a network know these.
TIMEOUTS = (
    *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1000 * OPEN_TIMEOUT_S)),
    *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * READ_TIMEOUT_S)),
)


@dataclass(frozen=True)
class Address:
    """A device number, path, URL or pipeline, for the OpenCV back end `api`.

    title: its name in messages, without secrets. remedy: what to do if it does not open.
    parameters: pairs of OpenCV's properties and their values, for opening. patience_s: how long to
    wait for a frame.
    """

    place: str | int
    title: str
    remedy: str
    api: int = cv2.CAP_ANY
    parameters: tuple[int, ...] = ()
    patience_s: float = READ_TIMEOUT_S
