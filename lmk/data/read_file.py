"""Read untrusted files whole: regular ones of bounded size, text in one known encoding."""

from __future__ import annotations

import codecs
from pathlib import Path

from lmk.system.errors import DataError

MAX_BYTES = 1 << 30  # four times COCO's own person_keypoints_train2017.json


def read_bytes(file: Path, limit: int = MAX_BYTES) -> bytes:
    """Read a file. Raises DataError, also for a pipe or a device and above `limit` bytes."""
    check_regular(file, limit)
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error


def read_text(file: Path, limit: int = MAX_BYTES) -> str:
    """Read text in UTF-8, or in UTF-16 with a byte order mark, whatever the system's encoding is.

    Raises DataError as `read_bytes` does, and for another encoding.
    """
    content = read_bytes(file, limit)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unknown_encoding(file) from error
    if "\0" in text:  # of UTF-16 without a mark, or of UTF-32
        raise _unknown_encoding(file)
    return text


def check_regular(file: Path, limit: int = MAX_BYTES) -> None:
    """Raise DataError unless a path is a file of at most `limit` bytes; opens nothing."""
    try:
        size = file.stat().st_size
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {file}: {reason}") from error
    if not file.is_file():
        raise DataError(f"cannot read {file}: it is not a file. Name a file")
    if size > limit:
        raise DataError(f"{file} has {size:,} bytes, expected at most {limit:,}")


def _unknown_encoding(file: Path) -> DataError:
    return DataError(
        f"{file} is not text in UTF-8, nor in UTF-16 with a byte order mark: save it as UTF-8"
    )
