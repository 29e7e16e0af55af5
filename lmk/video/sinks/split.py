"""One sink per source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from lmk.video.result import Result
from lmk.video.sinks.base import Sink

MAX_BYTES = 200  # leaves room for a number, a suffix, and the temporary name of a part


@contextmanager
def split_sink(open_for: Callable[[str], AbstractContextManager[Sink]]) -> Iterator[Sink]:
    """Pass every result to its source's own sink, opened with its title at its first result."""
    with ExitStack() as stack:
        yield _SplitSink(stack, open_for)


class _SplitSink:
    draws = True

    def __init__(
        self, stack: ExitStack, open_for: Callable[[str], AbstractContextManager[Sink]]
    ) -> None:
        self._stack, self._open_for = stack, open_for
        self._sinks: dict[str, Sink] = {}

    def write(self, result: Result) -> None:
        if result.source not in self._sinks:
            opened = self._stack.enter_context(self._open_for(result.source))
            self._sinks[result.source] = opened
        self._sinks[result.source].write(result)


def file_stems(titles: Iterable[str]) -> dict[str, str]:
    """Turn sources' titles into file names without suffix; a repeated name gets a number.

    Names that differ only in upper and lower case are one file on some systems, so they count as
    repeated.
    """
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for title in titles:
        first = stem = file_stem(title)
        number = 2
        while stem.casefold() in taken:
            stem, number = f"{first}-{number}", number + 1
        taken.add(stem.casefold())
        stems[title] = stem
    return stems


def file_stem(title: str) -> str:
    """Turn a source's title into a file name without suffix: "video a/b c.avi" to "b-c".

    It has letters, digits, "_" and "-", at most 200 bytes of them: names have at most 255.
    """
    last = title.rstrip("/").rpartition("/")[2]
    stem = re.sub(r"[^\w-]+", "-", re.sub(r"\.\w+$", "", last))
    short = stem.encode()[:MAX_BYTES].decode(errors="ignore")
    return short.strip("-") or "source"
