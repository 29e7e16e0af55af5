"""Write files and folders completely or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from lmk.system.errors import OutputError, UsageError
from lmk.system.lock import held

LONGEST_NAME = 200  # bytes of a name to which more is added; the system allows 255

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
    last one wins. A link stays a link, and the file behind it is replaced; its rights stay, too.
    Raises OutputError when the disk is full or the folder cannot be written, and for a device or a
    pipe.
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
            if path.exists():
                shutil.copymode(path, temporary)
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, and rename it to `path` when the block succeeds.

    On an error no file is left behind; what a process that was killed left is removed first. Raises
    UsageError when `path` already exists, and OutputError when the disk is full, the folder cannot
    be written, or another process is writing it.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} already exists: choose another path or delete it first")
    whole = path.resolve()  # "." has no name
    lock, place = beside(whole, "lock"), beside(whole, "partial")
    with held(lock, path), scratch_folder(place) as temporary, writing(path):
        yield temporary
        _sync_path(temporary)
        if whole.exists():
            whole.rmdir()
        temporary.replace(whole)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Make an empty folder and remove it at the end; its name is locked. Raises OutputError."""
    try:
        with writing(path):
            remove(path)  # of a process that was killed
            path.mkdir()
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def beside(path: Path, ending: str) -> Path:
    """A hidden name beside a path, `.NAME.ENDING`, also of a name as long as the system allows."""
    name = os.fsencode(path.name)[:LONGEST_NAME].decode(errors="ignore")
    return path.with_name(f".{name}.{ending}")


def remove(path: Path) -> None:
    """Delete a file or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Move a file or a folder within a file system, in place of what is at `target`.

    Raises OutputError.
    """
    with writing(target):
        _sync_path(source)
        if source.is_dir() or target.is_dir():  # which a file alone does not replace
            remove(target)
        source.replace(target)


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
            _add_file(digest, path)
            continue
        for file in sorted(inside for inside in path.rglob("*") if inside.is_file()):
            digest.update(file.relative_to(path).as_posix().encode())
            _add_file(digest, file)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _add_file(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)


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
