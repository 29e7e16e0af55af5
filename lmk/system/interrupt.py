"""End work cleanly on a request of the user or the system."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# The last signal on which work ended early; one for the process, as signals are.
_ended_by: int | None = None


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C, a termination signal or a closed terminal sets.

    A second Ctrl-C interrupts at once. `exit_code` then tells of the signal. Threads other than the
    main one receive no signals: there the event is never set.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number: int, frame: FrameType | None) -> None:
        global _ended_by
        if stop.is_set() and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        _ended_by = number
        stop.set()

    with _handling([signal.SIGINT, *_terminations()], request):
        yield stop


@contextmanager
def exit_on_termination() -> Iterator[None]:
    """Make a termination signal or a closed terminal end this process as Ctrl-C does.

    All that it holds is released: temporary files, and the processes that it started. A second
    signal does not cut that short. For the main thread, round a whole command: `exit_code` then
    tells of its signals alone.
    """
    global _ended_by
    _ended_by, numbers = None, _terminations()

    def end(number: int, _: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    with _handling(numbers, end):
        yield


def exit_code() -> int:
    """The exit code of work that ended: 0, or if a signal ended it early 128 and its number."""
    return 0 if _ended_by is None else 128 + _ended_by


def _terminations() -> list[int]:
    """Signals that end a process, except a closed terminal that it ignores, as nohup makes it."""
    numbers: list[int] = [signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


@contextmanager
def _handling(
    numbers: list[int], handler: Callable[[int, FrameType | None], Any]
) -> Iterator[None]:
    """Handle signals, except those with a handler from outside of Python, which stays."""
    before = {number: signal.getsignal(number) for number in numbers}
    ours = [number for number, earlier in before.items() if earlier is not None]
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
