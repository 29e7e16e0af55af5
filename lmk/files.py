"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lmk.errors import OutputError, UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to `path` when the block ends well.

    On an error nothing is left behind and an earlier file at `path` stays; of several at once the
    last to end stays. Raises OutputError when the disk is full or the folder cannot be written.
    """
    _check_no_folder(path)
    writer = f"{os.getpid()}-{threading.get_native_id()}"
    temporary = path.with_name(f".{path.stem}.{writer}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, and rename it to `path` when the block ends well.

    On an error nothing is left behind. Raises UsageError when something is at `path` already, and
    OutputError when the disk is full or the folder cannot be written.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} exists already: choose another place or delete it first")
    whole = path.resolve()  # "." has no name
    temporary = whole.with_name(f".{whole.name}.partial")
    try:
        shutil.rmtree(temporary, ignore_errors=True)  # of an attempt that was killed
        temporary.mkdir(parents=True)
        yield temporary
        if whole.exists():
            whole.rmdir()
        temporary.replace(whole)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync(file: BinaryIO) -> None:
    """Bring what was written onto the disk, so that a new name cannot be there before it."""
    file.flush()
    os.fsync(file.fileno())


def _cannot_write(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(f"cannot write {path}: {reason}. Free space or choose another place")


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder. Name a file in it")


def check_file(path: Path) -> None:
    """Raise OutputError if a file cannot be written, as `check_writable` does; makes nothing."""
    _check_no_folder(path)
    check_writable(path.parent)


def check_writable(folder: Path) -> None:
    """Raise OutputError if a folder, or the place it would be made in, cannot be written.

    For work that is long before it writes; makes nothing.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        reason = "may not be written" if place.is_dir() else "is no folder"
        raise OutputError(f"cannot write {folder}: {place} {reason}. Choose another place")
