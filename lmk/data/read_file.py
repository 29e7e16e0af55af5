"""Read files of data sets, whose errors are DataError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lmk.system import reading
from lmk.system.errors import DataError

MOST_BYTES = 1 << 30  # four times COCO's own person_keypoints_train2017.json


def read_text(file: Path) -> str:
    """Read text as `reading.read_text` does. Raises DataError."""
    with _reading(file):
        return reading.read_text(file, MOST_BYTES)


def check_regular(file: Path, most: int = MOST_BYTES) -> None:
    """Raise DataError unless a path is a regular file of at most `most` bytes; opens nothing."""
    with _reading(file):
        reading.check_regular(file, most)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {reading.reason_of(error)}") from error
