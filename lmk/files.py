"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lmk.errors import OutputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and rename it to `path` when the block ends well.

    On an error nothing is left behind and an earlier file at `path` stays. Raises OutputError when
    the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}. Free space or choose another place"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def creating_folder(path: Path) -> Iterator[Path]:
    """Give an empty temporary folder to fill, and rename it to `path` when the block ends well.

    On an error nothing is left behind. Raises OutputError when `path` exists, the disk is full or
    the folder cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path} exists already: remove it or choose another place")
    temporary = path.with_name(f".{path.name}.partial")
    try:
        shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
        temporary.mkdir(parents=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}. Free space or choose another place"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
