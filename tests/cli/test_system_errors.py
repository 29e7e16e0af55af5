from __future__ import annotations

import errno
import sys

import numpy as np
import pytest

from lmk.cli import main
from lmk.cli.system_errors import in_one_line


def test_work_without_memory_ends_with_one_line(monkeypatch, capsys) -> None:
    def too_large(*_: object, **__: object) -> None:
        np.empty(1 << 60, np.uint8)

    monkeypatch.setattr("lmk.data.drawn.write_foxes", too_large)
    monkeypatch.setattr(sys, "argv", ["lmk", "data", "draw", "-o", "foxes"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: not enough memory: close other programs")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOENT, "No such file", "a.txt"), "a.txt: No such file"),
        (OSError(errno.EHOSTUNREACH, "No route"), "No route"),
        (RuntimeError("can't start new thread"), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough"),
        (KeyError("a mistake of lmk"), ""),
    ],
)
def test_only_errors_of_the_system_are_put_in_words(error: Exception, line: str) -> None:
    assert in_one_line(error).startswith(line)
    assert bool(in_one_line(error)) == bool(line)
