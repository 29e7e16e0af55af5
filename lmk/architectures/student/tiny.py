"""The tiny student."""

from __future__ import annotations

from lmk.architectures.student.declare import Widths, declare

ARCHITECTURE = declare(
    "student-tiny", Widths(channels=(8, 16, 32, 64), blocks=(0, 0, 1, 2, 1), last=16)
)
