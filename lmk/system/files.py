"""Write files and folders completely or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from lmk.system.errors import OutputError, UsageError

_numbers = count()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of the system while writing to a path into OutputError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}. Free space or choose another path"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to `path` when the block succeeds.

    On an error no file is left behind and an earlier file at `path` stays. Of several writers the
    last one wins. A link stays a link, and the file behind it is replaced. Raises OutputError when
    the disk is full or the folder cannot be written, and for a device or a pipe.
    """
    _check_file_or_nothing(path)
    if path.is_symlink():
        path = path.resolve()
    # Not of the name, which may be as long as the system allows.
    temporary = path.with_name(f".{os.getpid()}-{next(_numbers)}.partial{path.suffix}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _sync_path(temporary)
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def new_folder(path: Path, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder to fill, and rename it to `path` when the block succeeds.

    On an error no file is left behind. Raises UsageError when `path` already exists, unless it is
    to be replaced, and OutputError when the disk is full or the folder cannot be written.
    """
    if not replace and path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} already exists: choose another path or delete it first")
    whole = path.resolve()  # "." has no name
    temporary = whole.with_name(f".{whole.name}.partial")
    try:
        with writing(path):
            shutil.rmtree(temporary, ignore_errors=True)  # of an attempt that was killed
            temporary.mkdir(parents=True)
            yield temporary
            _sync_path(temporary)
            if replace:
                remove(whole)
            elif whole.exists():
                whole.rmdir()
            temporary.replace(whole)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove(path: Path) -> None:
    """Delete a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, and replace what is at `target`. Raises OutputError."""
    if source.is_dir():
        with new_folder(target, replace=True) as temporary:
            shutil.copytree(source, temporary, dirs_exist_ok=True)
    else:
        with replacing(target) as temporary:
            temporary.write_bytes(source.read_bytes())


def _sync_path(path: Path) -> None:
    """As `sync`, for what another library wrote; a file, or a folder with its files."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with file.open("r+b") as opened:
                sync(opened)


def sync(file: BinaryIO) -> None:
    """Flush the content to the disk, so that the new name cannot appear before it."""
    file.flush()
    os.fsync(file.fileno())


def sha256_of(*paths: Path) -> str:
    """SHA-256 of the bytes of files; of a folder, of its files' names and bytes in their order."""
    import hashlib  # OpenSSL takes some milliseconds, which not every start of lmk should wait for

    digest = hashlib.sha256()
    for path in paths:
        if not path.is_dir():
            digest.update(path.read_bytes())
            continue
        for file in sorted(inside for inside in path.rglob("*") if inside.is_file()):
            digest.update(file.relative_to(path).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _check_file_or_nothing(path: Path) -> None:
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder. Name a file in it")
    if path.exists() and not path.is_file():
        raise OutputError(f"cannot write {path}: it is a device or a pipe. Name a file")


def check_file(path: Path) -> None:
    """Raise OutputError if a file cannot be written, as `check_writable` does; writes nothing."""
    _check_file_or_nothing(path)
    check_writable(path.parent)


def check_writable(folder: Path) -> None:
    """Raise OutputError if a folder, or its parent, cannot be written.

    For long work before the first write; writes nothing.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK):
        reason = "is not writable" if place.is_dir() else "is not a folder"
        raise OutputError(f"cannot write {folder}: {place} {reason}. Choose another path")
