"""Addresses for OpenCV, and their titles in messages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lmk.system.opencv import cv2

OPEN_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 2.0
# Those of OpenCV's back ends that read from a network know these.
TIMEOUTS = (
    *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1000 * OPEN_TIMEOUT_S)),
    *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * READ_TIMEOUT_S)),
)
HIDDEN = "***"
# Up to the last @, since users write passwords with @ and / in them as they are.
USER = re.compile(r"(?<=://)\S*@|(?<!\S)(?!\S*://)\S+:\S*@")  # also where // was forgotten
SECRET_NAMES = r"auth|credential|key|pass|pw|secret|session|sig|token"
VALUE = r"\"[^\"]*\"|'[^']*'|[^\s&;#\"']+"
SECRET = re.compile(rf"(?i)([\w.%-]*(?:{SECRET_NAMES})[\w.%-]*=)(?:{VALUE})")


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


def without_secrets(text: str) -> str:
    """Return a URL or pipeline with user, password, keys and tokens replaced by ***.

    Hides rather too much than too little: the value of any `name=value` whose name may be secret,
    and all before the last @ of a URL.
    """
    return SECRET.sub(rf"\g<1>{HIDDEN}", USER.sub(f"{HIDDEN}@", text))
