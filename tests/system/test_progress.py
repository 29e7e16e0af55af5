from __future__ import annotations

import io
import os

import pytest
from rich.console import Console

from lmk.system.logged import LogReporter
from lmk.system.progress import Reporter


def test_the_end_is_printed_once_though_the_total_was_a_guess(capsys) -> None:
    with Reporter().bar("clip", total=3) as bar:
        for _ in range(500):
            bar.advance()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("clip: 3/3")
    assert "left 0:00:00" in line


def test_lines_of_a_log_keep_the_last_note(capsys, monkeypatch) -> None:
    """A line every ten seconds; only the first of the steps between has losses."""
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr("lmk.system.progress.time.monotonic", lambda: float(next(clock)))
    with Reporter().bar("training", total=100) as bar:
        bar.advance(note="loss 2.5")
        for _ in range(3):
            bar.advance()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("loss 2.5")


@pytest.mark.parametrize("terminal", [False, True])
def test_names_reach_neither_terminal_nor_log_with_control_characters(
    terminal: bool, caplog: pytest.LogCaptureFixture
) -> None:
    name, written = os.fsdecode(b"a\x1b[2J\n[b]\xe9.jpg"), io.StringIO()
    shown = r"a\x1b[2J\x0a[b]\xe9.jpg"
    report = Reporter(Console(file=written, force_terminal=terminal, width=200, color_system=None))
    with report.bar(name, total=1) as bar:
        bar.advance(note=name)
    report.say(name)
    report.warn(name)
    assert written.getvalue().count(shown) >= 4
    assert name not in written.getvalue()
    LogReporter().warn(name)
    assert caplog.messages == [shown]
