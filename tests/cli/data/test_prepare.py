from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np

from lmk.data.prepare.catalogue import PUBLIC_SETS


def lmk(*arguments: object, columns: int = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lmk", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"COLUMNS": str(columns)},
    )


def test_help_has_a_line_a_set() -> None:
    lines = [line.strip() for line in lmk("data", "prepare", "--help").stdout.splitlines()]
    for public_set in PUBLIC_SETS:
        named = [line for line in lines if line.split()[1:2] == [f"{public_set.name}:"]]
        assert len(named) == 1
        assert named[0].endswith(public_set.summary)


def test_a_set_is_prepared_and_its_files_are_named(tmp_path) -> None:
    x, y = np.array([[30, 91, 60, 38, 84], [40, 44, 80, 123, 119]])
    for name in ("training", "testing"):
        lines = [f"{name}\\{number}.jpg {' '.join(map(str, [*x, *y]))}" for number in range(2)]
        (tmp_path / f"{name}.txt").write_text("\n".join(lines))
        (tmp_path / name).mkdir()
        for number in range(2):
            grey = np.full((170, 200, 3), 90, np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{number}.jpg"), grey)
    out = tmp_path / "out"
    done = lmk("data", "prepare", "mtfl", tmp_path, "-o", out)
    assert done.returncode == 0, done.stderr
    assert f"{out}/train.json  2 images" in done.stdout
    assert f"{out}/test.json  2 images" in done.stdout
    content = json.loads((out / "train.json").read_text())
    assert content["images"][0]["width"] == 160
    again = lmk("data", "prepare", "mtfl", tmp_path, "-o", out)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    assert "Traceback" not in again.stderr
