from __future__ import annotations

from pathlib import Path

import pytest

from lmk.bench.process import ProcessError, run_fresh

MODULE = """
import os, signal, sys
from lmk.bench.process import answer
from lmk.system.errors import UnavailableError
def work(job):
    if job["do"] == "refuse": raise UnavailableError("no such device: buy one")
    if job["do"] == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if job["do"] == "fail": raise RuntimeError("out of luck")
    print("a runtime says hello")
    return {"twice": 2 * job["number"], "started": job["started"]}
answer(work)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "some_work.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path.cwd()}")
    return "some_work"


def test_the_answer_comes_back_whatever_else_is_printed(module: str) -> None:
    import time

    before = time.time()
    found = run_fresh(module, {"do": "work", "number": 21})
    assert found["twice"] == 42
    assert before <= found["started"] <= time.time()


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("refuse", "^no such device: buy one$"),
        ("crash", "ended by SIGSEGV"),
        ("fail", "RuntimeError: out of luck"),
    ],
)
def test_what_goes_wrong_is_told(module: str, do: str, words: str) -> None:
    with pytest.raises(ProcessError, match=words):
        run_fresh(module, {"do": do})
