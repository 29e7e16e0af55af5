"""Files and folders that one process at a time writes to."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lmk.system.errors import OutputError

NOT_SUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def held(lock: Path, what: Path) -> Iterator[None]:
    """Hold a lock file while writing to `what`.

    It contains the ID of this process and is removed at the end. The system releases the lock of a
    process that was killed, so that its file blocks nobody. Some network file systems have no
    locks: there a warning is logged, and nothing is locked. Raises OutputError with the ID while
    another process, or another call in this one, holds the lock.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = _open_locked(lock, what)
    except OSError as error:
        raise OutputError(
            f"cannot write {what}: {error.strerror or error}. Free space or choose another path"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove an open file: there it stays
            lock.unlink()  # before it is released: then it could be another one's
        file.close()


def check_free(lock: Path, what: Path) -> None:
    """Raise OutputError while another process holds a lock: for long work before its own."""
    if lock.exists():
        with held(lock, what):
            pass


def _open_locked(path: Path, what: Path) -> BinaryIO:
    while True:
        file = path.open("a+b", buffering=0)
        try:
            _lock(file)
            if _is_at(file, path):
                file.truncate(0)
                file.write(str(os.getpid()).encode())
                return file
        except OSError as error:
            if error.errno in NOT_SUPPORTED:
                logging.getLogger("lmk").warning(
                    f"{what} is not locked, because its file system has no locks: let no other "
                    "process write there"
                )
                return file
            if error.errno not in HELD:
                raise
            file.seek(0)
            holder = file.read(20).decode(errors="replace")
            file.close()
            raise OutputError(
                f"{what} is in use by process {holder}: wait for its end, or choose another path"
            ) from error
        file.close()  # its holder has just removed it


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 30  # a byte that is not of the content: what is locked cannot be read

    def _lock(file: BinaryIO) -> None:
        file.seek(FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        # Of the open file, not of the process as lockf: it also keeps two threads apart.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
