"""Damaged files of every kind end in one clear error: some seconds of it in every run.

For longer: pytest tests/fuzz --mutations 5000 --fuzz-seed 1
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_damaged_files_end_in_one_error(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    count, seed = (request.config.getoption(name) for name in ("--mutations", "--fuzz-seed"))
    paths = os.pathsep.join([str(TESTS.parent), str(TESTS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "fuzz.worker", str(tmp_path), str(count), str(seed)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    faults = [line for line in lines if "fault" in line]
    assert not faults, "\n".join(map(json.dumps, faults))
    assert done.returncode == 0, done.stderr[-2000:]
    assert lines == [{"done": count}]
