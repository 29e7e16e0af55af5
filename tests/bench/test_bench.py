from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest

from lmk.bench.validate import problems
from lmk.data.synthetic import draw

LMK = [sys.executable, "-m", "lmk"]


@pytest.fixture(scope="module")
def foxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foxes")
    for index, crop in enumerate(draw(3, seed=5)[0]):
        cv2.imwrite(str(folder / f"{index}.png"), crop[:, :, ::-1])
    return folder


def test_bench_measures_writes_saves_and_run_uses_it(
    adapter_model, foxes: Path, tmp_path: Path
) -> None:
    environment = os.environ | {"LMK_CACHE": str(tmp_path / "cache"), "COLUMNS": "100"}
    environment.pop("DISPLAY", None)

    def lmk(*arguments: object) -> str:
        command = [*LMK, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    said = lmk(
        *("bench", adapter_model.folder, "--runtime", "onnxruntime,tensorrt"),
        *("--precision", "fp32", "--batch", "1,3", "--threads", "1", "--seconds", "0.2"),
        *("--verify-data", foxes, "--json", tmp_path / "bench.json", "--save", "--limit", "0.1"),
    )
    tables = said.partition("Distances are from")[0].splitlines()
    assert max(map(len, tables)) <= 100
    assert "--runtime auto now uses onnxruntime in fp32 on cpu with 1 thread:" in said

    record = json.loads((tmp_path / "bench.json").read_text())
    assert problems(record) == []
    assert record["model"]["sha256"] == adapter_model.sha256
    by_runtime = {row["runtime"]: row for row in record["rows"]}
    row = by_runtime["onnxruntime"]
    measured = row["measured"]
    assert measured["layers"] == {"fp32": 56}
    assert measured["accuracy"]["images"] == 3
    assert measured["accuracy"]["max_px"] < 0.05
    assert [entry["batch"] for entry in measured["throughput"]] == [1, 3]
    assert measured["cold_start"]["total_s"] > measured["cold_start"]["load_s"] > 0
    assert 50 < measured["peak_memory_mb"] < 1000  # no torch in there
    assert row["roofline"]["operations"] == 2 * record["graph"]["macs"]
    assert by_runtime["tensorrt"]["measured"] is None
    assert by_runtime["tensorrt"]["why_not"]

    shown = lmk("run", foxes / "0.png", "--model", adapter_model.folder, "--no-show")
    assert re.search(r"ONNX Runtime .* float32, chosen by lmk bench", shown)


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed")
def test_nothing_measured_is_what_is_not_there(tmp_path: Path) -> None:
    arguments = ["faces", "--runtime", "tensorrt", "--seconds", "0.1", "--save", "--json"]
    environment = {**os.environ, "LMK_CACHE": str(tmp_path)}
    done = subprocess.run(
        [*LMK, "bench", *arguments, str(tmp_path / "a.json")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 4, done.stderr
    assert "no requested runtime and precision runs here" in done.stderr
    assert (tmp_path / "a.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["absent"], 1, "unknown model 'absent'"),
        (["faces", "--runtime", "tflite"], 2, "--runtime tflite: expected all, or some of"),
        (["faces", "--batch", "0"], 2, "--batch: expected whole numbers"),
        (["faces", "--limit", "0.1"], 2, "--limit changes nothing without --save"),
        (["faces", "--threads", "two"], 2, "--threads: expected whole numbers"),
    ],
)
def test_wrong_calls_end_with_one_line(arguments: list[str], code: int, words: str) -> None:
    done = subprocess.run([*LMK, "bench", *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
