from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lmk.bench.validate import problems

SCRIPTS = Path(__file__).parents[2] / "benchmarks"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("PYTHONPATH", f"{SCRIPTS}:{Path(__file__).parents[1]}")


def slow(milliseconds: float):
    return lambda _: time.sleep(milliseconds / 1000)


def broken():
    raise RuntimeError("no compiler here\nand a long story")


def test_contenders_take_turns_and_one_that_cannot_work_says_why() -> None:
    from turns import in_turns

    contenders = {"fast": (slow, (1,)), "broken": (broken, ()), "slow": (slow, (12,))}
    found = in_turns(contenders, 0.1)
    assert list(found) == list(contenders)
    assert found["broken"] == {"why_not": "no compiler here"}
    assert found["slow"]["p50"] >= 12
    assert found["fast"]["p50"] < found["slow"]["p50"]
    assert found["slow"]["count"] >= 25  # five rounds of five calls at least


def test_bars_are_as_long_as_their_values_and_names_are_escaped(tmp_path: Path) -> None:
    from output import bar_rows, save_chart

    save_chart(bar_rows([("a < b", 20.0), ("c", 5.0)], "ms & more"), tmp_path / "bars.svg")
    root = ElementTree.parse(tmp_path / "bars.svg").getroot()
    assert root.tag == f"{SVG}svg"
    ground, *bars = root.findall(f"{SVG}rect")
    assert ground.get("fill") == "white"
    first, second = (float(bar.get("width")) for bar in bars)
    assert first == pytest.approx(4 * second, rel=0.01)
    words = [text.text for text in root.findall(f"{SVG}text")]
    assert words == ["a < b", "20.0", "c", "5.00", "ms & more"]


def test_students_are_measured_beside_a_plain_export_of_their_teacher(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import students

    ways = {"lmk, onnxruntime fp32": (slow, (1,)), "lmk, openvino bf16": "no bfloat16 here"}
    monkeypatch.setattr(students, "prepared", lambda *_: ways)
    monkeypatch.setattr(students, "in_turns", lambda given, _: {name: {} for name in given})
    given = Namespace(students="faces-small,faces-tiny", teacher="faces", calibration_data=None)
    given.seconds = 1
    found = students.measure(given)
    assert next(iter(found)) == students.PLAIN
    assert found["faces-small, onnxruntime fp32"] == {}
    assert found["faces-tiny, openvino bf16"] == {"why_not": "no bfloat16 here"}
    assert len(found) == 1 + 2 * 2


def test_labels_are_measured_beside_the_bare_model_from_every_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("fsspec")
    import labelling as script

    monkeypatch.setattr(script, "ROUNDS", 1)
    rows = script.measure(Namespace(model="faces-tiny", runtime="onnxruntime", pictures=20))
    names = ["bare model", "decoded", "folder", "pictures.tar", "pictures.parquet"]
    assert [row["name"] for row in rows] == names
    assert rows[0]["ratio"] == 1
    assert all(row["pictures_per_s"] > 0 for row in rows)


def test_scaling_doubles_the_threads_up_to_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import scaling

    for cores, expected in ((1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6))):
        monkeypatch.setattr(scaling, "usable_cores", lambda cores=cores: list(range(cores)))
        assert scaling.doubled() == expected


def test_the_gpu_script_measures_on_a_processor_what_it_can_and_says_what_it_cannot(
    tmp_path: Path,
) -> None:
    """As on a bare machine: without rich, and without an installed lmk."""
    (tmp_path / "rich.py").write_text("raise ImportError('not installed')\n")
    file = tmp_path / "gpu.json"
    check = SCRIPTS.parent / "tools" / "gpu-check.sh"
    variables = {"PYTHON": sys.executable, "PYTHONPATH": str(tmp_path), "LMK_CACHE": str(tmp_path)}
    subprocess.run(
        ["bash", check, file, "--device", "cpu", "--quick"], env=os.environ | variables, check=True
    )
    record = json.loads(file.read_text())
    assert problems(record) == []
    rows = {row["name"]: row for row in record["rows"]}
    measured = {name for name, row in rows.items() if "median" in row}
    assert {name for name, row in rows.items() if "why_not" in row} == rows.keys() - measured
    assert measured == {
        *("product fp32", "copy", "network fp32 batch 1 eager", "network fp32 batch 4 eager"),
        *("onnxruntime fp32 batch 1", "onnxruntime fp32 batch 4"),
        *("train projection fp32 batch 2", "train finetune fp32 batch 2"),
    }
    for name in measured:
        row = rows[name]
        assert row["repeats"] >= 1
        assert row["min"] <= row["median"] <= row["max"]
        assert shlex.split(row["command"])[-2:] == ["--only", name]
        assert row.get("drift_max_px", 0) < 0.05
    training, inference = "train projection fp32 batch 2", "network fp32 batch 4 eager"
    assert rows[training]["gflop"] > rows[inference]["gflop"]
    assert "only measured on a GPU" in rows["network fp16 batch 4 eager"]["why_not"]


def test_a_row_of_the_gpu_script_that_differs_has_no_times(monkeypatch: pytest.MonkeyPatch) -> None:
    import gpu

    monkeypatch.setattr(gpu, "expected", lambda number: np.zeros((number, 10, 2), np.float32))
    bench = gpu.Bench("cpu", 0, 1, crops=8)
    for off, times in ((0.2, True), (0.3, False), (math.nan, False)):
        infer = lambda part, off=off: np.full((len(part), 10, 2), (0, off), np.float32)  # noqa: E731
        row = bench.inference(infer, lambda: None, "fp32", 5)
        assert ("median" in row) == times
        assert ("why_not" in row) != times


ROWS_IN_TIME = """
import json, time, gpu
print(json.dumps([gpu.measure(lambda: time.sleep(20), 0.05), gpu.measure(dict, 0)]))
"""


def test_a_row_of_the_gpu_script_ends_when_its_time_is_over() -> None:
    """In its own process: the script's alarm has ended one that had every runtime loaded."""
    done = subprocess.run(
        [sys.executable, "-c", ROWS_IN_TIME], cwd=SCRIPTS, capture_output=True, check=True
    )
    late, none = json.loads(done.stdout.splitlines()[-1])
    assert "took over" in late["why_not"]
    assert late["took_s"] < 10
    assert none["why_not"] == "no time was left"


def test_every_file_format_has_its_size_drift_and_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import formats

    from lmk.artifact.catalogue import FORMATS
    from lmk.data.drawn import write_foxes
    from lmk.system.progress import Reporter

    foxes = write_foxes(tmp_path / "foxes", 30, 0, Reporter(), 96)
    chosen = [(FORMATS["openvino"], "fp16"), (FORMATS["openvino"], "none such")]
    monkeypatch.setattr(formats, "cases", lambda: chosen)
    monkeypatch.setattr(formats, "in_turns", lambda given, _: {name: {"p50": 7} for name in given})
    given = Namespace(
        models="faces-tiny", data=foxes, pictures=20, photographs=foxes.parent, seconds=0
    )
    (tmp_path / "out").mkdir()
    whole, other = formats.measure(given, tmp_path / "out")
    sizes = [path.stat().st_size for path in (tmp_path / "out").glob("faces-tiny-fp16.*")]
    assert whole["mb"] == pytest.approx(sum(sizes) / 1e6, rel=0.02)  # less what is beside it
    assert 0 < whole["drift_px"] <= whole["largest_px"] < 0.5
    assert min(whole["forward"], whole["consistency"]) > 0
    assert whole["p50"] == 7
    assert "none such" in other["why_not"]
    assert "p50" not in other
