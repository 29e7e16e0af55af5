from __future__ import annotations

import signal

import pytest

from lmk.system.interrupt import exit_on_termination


def test_a_termination_signal_ends_the_process_with_what_it_holds() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught, exit_on_termination():
        # The handler alone, for the reason that tests/training/test_loop.py gives.
        signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)
    assert caught.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
