"""Read files that may be anything: a device, a pipe, or larger than the memory."""

from __future__ import annotations

import codecs
import errno
import stat
from pathlib import Path

MB = 1_000_000
ENCODING = "it is not text in UTF-8, nor in UTF-16 with a byte order mark: save it as UTF-8"


def check_regular(path: Path, most: int) -> None:
    """Raise OSError unless a path is a regular file, or a link to one, of at most `most` bytes.

    A pipe would be waited for, and a device such as /dev/zero has no end.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or a pipe"
        raise OSError(errno.EINVAL, f"it is {kind}, expected a file", str(path))
    if found.st_size > most:
        raise OSError(
            errno.EFBIG,
            f"it has {found.st_size:,} bytes, expected at most {most:,}",
            str(path),
        )


def read_bytes(path: Path, most: int) -> bytes:
    """Read a regular file of at most `most` bytes. Raises OSError as `check_regular` does."""
    check_regular(path, most)
    with path.open("rb") as file:
        return file.read(most)


def read_text(path: Path, most: int) -> str:
    """Read a regular file of at most `most` bytes as text, whatever the system's encoding is.

    It is UTF-8, or UTF-16 with a byte order mark. Raises OSError as `check_regular` does, and
    ValueError for another encoding.
    """
    content = read_bytes(path, most)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(ENCODING) from error
    if "\0" in text:  # of UTF-16 without a mark, or of UTF-32
        raise ValueError(ENCODING)
    return text


def reason_of(error: Exception) -> str:
    """What an error says, without the path, which its message names anyway."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
