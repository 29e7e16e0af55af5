"""The small student."""

from __future__ import annotations

from lmk.architectures.student.declare import Widths, declare

ARCHITECTURE = declare(
    "student-small", Widths(channels=(16, 32, 64, 96), blocks=(0, 1, 2, 1, 1), last=16)
)
