from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from lmk.data.synthetic import draw

STEPS = 7


def command(tmp_path: Path, core, run: str) -> list[str]:
    options = ["--images", tmp_path / "images", "--core", core.folder, "-o", tmp_path / run]
    options += ["--steps", STEPS, "--batch-size", 2, "--generator-width", 4, "--log-every", 1]
    options += ["--precision", "fp32", "--device", "cpu", "--checkpoint-minutes", 0]
    return [sys.executable, "-m", "lmk", "train", *map(str, options)]


def rows(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_killed_at_any_step_repeats_the_uninterrupted_losses(
    tmp_path: Path, small_core
) -> None:
    (tmp_path / "images").mkdir()
    for index, crop in enumerate(draw(5, seed=0)[0]):
        cv2.imwrite(str(tmp_path / f"images/{index}.png"), crop)
    subprocess.run(command(tmp_path, small_core, "whole"), check=True)
    killed_after = random.Random(os.getpid()).randint(2, STEPS - 2)
    process = subprocess.Popen(command(tmp_path, small_core, "cut"))
    log = tmp_path / "cut/log.csv"
    while len(rows(log)) <= killed_after:  # one line is the header
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(rows(log)) < 1 + STEPS
    subprocess.run([*command(tmp_path, small_core, "cut"), "--resume"], check=True)
    assert rows(log) == rows(tmp_path / "whole/log.csv")
    assert len(rows(log)) == 1 + STEPS
