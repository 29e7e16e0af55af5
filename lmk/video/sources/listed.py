"""Sources that a text file lists, which keeps their passwords out of the list of processes."""

from __future__ import annotations

from pathlib import Path

from lmk.system.errors import UsageError

MAX_BYTES = 1_000_000


def read_sources(path: Path) -> list[str]:
    """Read one source per line; empty lines and those that start with # are skipped.

    Raises UsageError for a file that cannot be read, is no UTF-8 text of at most 1 MB, or has no
    source.
    """
    try:
        with path.open("rb") as file:  # also a pipe, as of the shell's <(...)
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read the sources in {path}: {reason}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES:,} bytes: expected a list of sources")
    lines = [line.strip() for line in text.split("\n")]
    sources = [line for line in lines if line and not line.startswith("#")]
    if not sources:
        raise UsageError(f"{path} has no source: expected one per line")
    return sources
