"""Files and folders, on this machine or in object storage, by the addresses of fsspec."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from lmk.data.memory import FILE_BYTES
from lmk.system.errors import (
    DataError,
    LmkError,
    OutputError,
    UnavailableError,
    UsageError,
    missing_extra,
)
from lmk.system.files import sync
from lmk.system.reading import check_regular, reason_of
from lmk.video.sources.secrecy import without_secrets

MOST_BYTES = 1 << 50


@dataclass(frozen=True)
class Place:
    """A file or folder. files: the file system of fsspec; path: in it."""

    files: Any
    path: str

    @property
    def local(self) -> Path | None:
        """Its path, if it is on this machine."""
        return Path(self.path) if "file" in _protocols(self.files) else None

    @property
    def address(self) -> str:
        """What `open_place` takes: an absolute path, or an address with its protocol."""
        return self.path if self.local else str(self.files.unstrip_protocol(self.path))

    def __str__(self) -> str:
        return self.path if self.local else without_secrets(self.address)

    def __truediv__(self, name: str) -> Place:
        """A file or folder in this folder."""
        return Place(self.files, posixpath.join(self.path, name))

    def below(self, name: str) -> Place:
        """The place of a name in this folder, which in a list may be a whole path or an address."""
        return open_place(name) if "://" in name else self / name

    def exists(self) -> bool:
        """Whether there is anything. Raises DataError."""
        with self._reading():
            return bool(self.files.exists(self.path))

    def is_folder(self) -> bool:
        """Whether it is a folder. Raises DataError."""
        with self._reading():
            return bool(self.files.isdir(self.path))

    def entries(self) -> dict[Place, bool]:
        """What is in a folder, by name, and whether it is a folder. Raises DataError."""
        with self._reading():
            found = self.files.ls(self.path, detail=True)
        ordered = sorted(found, key=lambda one: str(one["name"]))
        return {Place(self.files, one["name"]): one["type"] == "directory" for one in ordered}

    def matching(self) -> list[Place]:
        """The files and folders whose paths this one, with *, ? or [...] in it, fits."""
        with self._reading():
            return [Place(self.files, path) for path in sorted(self.files.glob(self.path))]

    def read(self) -> bytes:
        """The bytes of a file, of at most 400 MB. Raises DataError."""
        with self._reading():
            self._check_regular()
            data = bytes(self.files.cat_file(self.path, start=0, end=FILE_BYTES + 1))
        if len(data) > FILE_BYTES:
            raise DataError(f"{self} has more than {FILE_BYTES / 1e6:.0f} MB: shrink it first")
        return data

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open a file to read parts of it. Raises DataError, also for errors in the block."""
        with self._reading():
            self._check_regular()
            with self.files.open(self.path, "rb") as file:
                yield file

    @contextmanager
    def replacing(self) -> Iterator[BinaryIO]:
        """Give a file to write to, which takes this name when the block succeeds, whole.

        On an error nothing is left behind. Of several writers the last one wins. Raises
        OutputError.
        """
        folder, name = posixpath.split(self.path)
        temporary = posixpath.join(folder, f".{name}.{uuid4().hex}{PARTIAL}")
        try:
            with self._writing():
                with self.files.open(temporary, "wb") as file:
                    yield file
                    if self.local:
                        sync(getattr(file, "f", file))
                self.files.mv(temporary, self.path)
        except BaseException:
            with suppress(Exception):  # an object store may not have it yet
                self.files.rm_file(temporary)
            raise

    def make_folder(self) -> None:
        """Make the folder, if it is not there. Raises OutputError."""
        with self._writing():
            self.files.makedirs(self.path, exist_ok=True)

    def remove(self) -> None:
        """Delete a file. Raises OutputError."""
        with self._writing():
            self.files.rm_file(self.path)

    def _check_regular(self) -> None:
        """A pipe on this machine would be waited for, and a device has no end."""
        if self.local:
            check_regular(self.local, MOST_BYTES)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except LmkError:
            raise
        except Exception as error:  # every storage has errors of its own
            raise DataError(f"{self} cannot be read: {_reason(error)}") from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except LmkError:
            raise
        except Exception as error:
            raise OutputError(
                f"cannot write {self}: {_reason(error)}. Free space or choose another place"
            ) from error


PARTIAL = ".partial"
"""How files end that are not whole."""


def open_place(text: str | os.PathLike[str]) -> Place:
    """The place of a path, or of an address such as s3://bucket/folder; opens no connection yet.

    Raises UsageError for an unknown protocol, and UnavailableError without its package.
    """
    try:
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem
    except ImportError as error:
        raise missing_extra("fsspec", "label") from error
    address = os.fspath(text)
    if "://" not in address:
        return Place(LocalFileSystem(), os.path.abspath(address))  # noqa: PTH100, also of bad UTF-8
    shown = without_secrets(address)
    try:
        return Place(*url_to_fs(address, use_listings_cache=False))
    except ImportError as error:
        raise UnavailableError(f"{shown}: {_reason(error)} (pip install its package)") from error
    except ValueError as error:
        raise UsageError(
            f"{shown}: {_reason(error)}. Expected a path, or an address of fsspec such as "
            "s3://bucket/folder"
        ) from error


def _protocols(files: Any) -> tuple[str, ...]:
    protocol = files.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _reason(error: Exception) -> str:
    said = reason_of(error) or type(error).__name__
    return without_secrets(said.splitlines()[0])
