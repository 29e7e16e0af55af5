"""Standard input as bytes, whose reading can be interrupted."""

from __future__ import annotations

import io
import select
import sys
import threading
import time
from collections.abc import Iterator

from lmk.system.errors import SourceError
from lmk.video.sources.address import OPEN_TIMEOUT_S, READ_TIMEOUT_S
from lmk.video.sources.outages import Outages

TITLE = "standard input"
POLL_S = 0.1
CHUNK_BYTES = 1 << 20


class PipeClosedError(Exception):
    """The pipe was closed on this side during a read."""


class Pipe:
    """The bytes of a file descriptor, which stays open."""

    def __init__(self, descriptor: int) -> None:
        self._file, self._closed = io.FileIO(descriptor, closefd=False), threading.Event()
        self._outages: Outages | None = None
        self._patience_s = OPEN_TIMEOUT_S

    def wait_for_ever(self, outages: Outages | None) -> None:
        """From now on wait without limit; report two seconds without bytes to `outages`."""
        self._outages, self._patience_s = outages, float("inf")

    def close(self) -> None:
        """Make a waiting read in another thread raise PipeClosedError."""
        self._closed.set()

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive. Raises what `read_into` raises."""
        chunk = memoryview(bytearray(CHUNK_BYTES))
        while count := self.read_into(chunk):
            yield bytes(chunk[:count])

    def read_into(self, buffer: memoryview) -> int:
        """Wait for bytes, read what is available and fits, and return its length; 0 at the end.

        Raises PipeClosedError, and SourceError when the first bytes take longer than ten seconds.
        """
        was_silent = self._wait()
        count = self._file.readinto(buffer) or 0
        if was_silent and count and self._outages:
            self._outages.end()
        return count

    def _wait(self) -> bool:
        """Wait for bytes or the end; return whether that was reported as an outage."""
        start, silent = time.perf_counter(), False
        while not self._closed.is_set():
            # Windows cannot wait for a pipe: there the reading itself waits.
            if sys.platform == "win32" or select.select([self._file], [], [], POLL_S)[0]:
                return silent
            waited_s = time.perf_counter() - start
            if waited_s >= self._patience_s:
                raise SourceError(f"{TITLE} delivers no bytes: pipe frames into it")
            if self._outages and not silent and waited_s >= READ_TIMEOUT_S:
                self._outages.begin("waiting for more")
                silent = True
        raise PipeClosedError
