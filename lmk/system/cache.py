"""The user's cache: entries that may be deleted, and are made again when they are damaged.

An entry is KEY-CONTENT.suffix, two hashes: of all that it was made from, and of its bytes. Nothing
else in a folder of entries is ever read or deleted.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lmk.system.errors import OutputError
from lmk.system.files import replacing, sha256_of

DIGITS = 32
DAY_S = 24 * 3600
PARTIAL = re.compile(r"\.\d+-\d+\.partial")
NAME = re.compile(f"[0-9a-f]{{{DIGITS}}}-[0-9a-f]{{{DIGITS}}}")


def cache_folder() -> Path:
    """The cache folder: $LMK_CACHE, or `lmk` in the user's cache folder."""
    if given := os.environ.get("LMK_CACHE"):  # an empty one is the same as none
        return Path(given)
    from platformdirs import user_cache_path  # not needed by every start of lmk

    # Without opinion: on Windows it would be a folder Cache in that folder.
    return user_cache_path("lmk", appauthor=False, opinion=False)


def key_of(identity: str) -> str:
    """The key of an entry that is made from what `identity` says."""
    return _hash(identity.encode())


@dataclass(frozen=True)
class Entry:
    """A place in the cache for one file.

    kind: the folder of such entries. kept: how many of the last used ones stay, None for all.
    """

    kind: str
    key: str
    suffix: str
    kept: int | None = None

    def find(self) -> Path | None:
        """Return the file, None if there is none; a damaged one is deleted."""
        for path in self._entries(f"{self.key}-*"):
            with suppress(OSError):  # deleted by another process, or cannot be read
                if sha256_of(path)[:DIGITS] == path.stem[-DIGITS:]:
                    _mark_used(path)
                    return path
                path.unlink()
        return None

    def add(self, content: bytes) -> Path:
        """Write the file and return its path. Raises OutputError."""
        path = self._folder / f"{self.key}-{_hash(content)}{self.suffix}"
        try:
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        except OutputError as error:
            raise OutputError(f"{error}, such as a folder for the cache in LMK_CACHE") from error
        self._forget_old()
        return path

    @property
    def _folder(self) -> Path:
        return cache_folder() / self.kind

    def _forget_old(self) -> None:
        if self.kept is None:
            return
        with suppress(OSError):  # another process does the same
            entries = sorted(self._entries(), key=lambda path: path.stat().st_mtime)
            for path in entries[: -self.kept]:
                path.unlink()
            for path in self._folder.glob(".*.partial*"):  # of processes that were killed
                if PARTIAL.match(path.name) and time.time() - path.stat().st_mtime > DAY_S:
                    path.unlink()

    def _entries(self, stems: str = "*") -> list[Path]:
        return [
            path
            for path in self._folder.glob(f"{stems}{self.suffix}")
            if NAME.fullmatch(path.name.removesuffix(self.suffix)) and path.is_file()
        ]


def _mark_used(path: Path) -> None:
    with suppress(OSError):  # a cache that may only be read
        path.touch()


def _hash(content: bytes) -> str:
    import hashlib  # OpenSSL takes some milliseconds, which not every start of lmk should wait for

    return hashlib.sha256(content).hexdigest()[:DIGITS]
