from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lmk.system import interrupt
from lmk.system.interrupt import exit_code, exit_on_termination, stop_on_signals

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(interrupt, "_ended_by", None)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup ignores
    yield
    signal.signal(signal.SIGHUP, before)


def deliver(number: int) -> None:
    """Call the handler alone, for the reason that tests/training/test_loop.py gives."""
    handler = signal.getsignal(number)
    assert callable(handler)
    handler(number, None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_signal_ends_the_process_with_what_it_holds(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught, exit_on_termination():
        deliver(number)
    assert caught.value.code == 128 + number
    assert signal.getsignal(number) is before


def test_a_second_termination_signal_does_not_cut_cleaning_up_short() -> None:
    with exit_on_termination():
        with pytest.raises(SystemExit):
            deliver(signal.SIGTERM)
        later = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert later == [signal.SIG_IGN, signal.SIG_IGN]


@pytest.mark.parametrize("number", SIGNALS)
def test_work_that_a_signal_stops_has_its_exit_code(number: int) -> None:
    with stop_on_signals() as stop:
        assert exit_code() == 0
        deliver(number)
        assert stop.is_set()
    assert exit_code() == 128 + number


def test_work_that_ends_by_itself_has_exit_code_zero() -> None:
    with stop_on_signals() as stop:
        stop.set()  # as the key q does
    assert exit_code() == 0


def test_a_hang_up_that_nohup_ignores_stays_ignored() -> None:
    program = """
import signal
from lmk.system.interrupt import exit_on_termination, stop_on_signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with exit_on_termination(), stop_on_signals() as stop:
    signal.raise_signal(signal.SIGHUP)
    print(stop.is_set())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
