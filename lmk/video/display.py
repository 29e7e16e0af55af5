"""Whether windows can be shown."""

from __future__ import annotations

import ctypes
import sys


def has_display() -> bool:
    """Whether the X server accepts this process; systems other than Linux always have a display.

    If it does not, as after a lost `ssh -X`, OpenCV's window library would end the process.
    """
    if not sys.platform.startswith("linux"):
        return True
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:  # OpenCV's windows need it too
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)  # the one that DISPLAY names
    if display:
        x11.XCloseDisplay(ctypes.c_void_p(display))
    return bool(display)
