from __future__ import annotations

from lmk.progress import Reporter


def test_the_end_is_printed_once_though_the_total_was_a_guess(capsys) -> None:
    with Reporter().bar("clip", total=3) as bar:
        for _ in range(500):
            bar.advance()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("clip: 3/3")
    assert "left 0:00:00" in line
