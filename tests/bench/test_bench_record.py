from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
from bench.records import absent, bench_record, row

from lmk.bench.cases import Case
from lmk.bench.record import StartState, make_record, write_record
from lmk.bench.validate import main, problems

ROWS = [
    row(Case("onnxruntime", "cuda", "fp16"), 0.3),
    absent(Case("tensorrt", "cuda", "fp16"), "no driver"),
]
GOOD = bench_record(ROWS)


def test_a_command_is_kept_without_what_names_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["/home/me/bin/lmk", "bench", "runs/mugs", "--json=/home/me/a.json", "--verify-data"]
    monkeypatch.setattr("sys.argv", [*typed, "/home/me/my photos", "--precision", "fp32,int8"])
    record = make_record("bench", StartState(), {}, [])
    assert record["command"] == (
        "lmk bench runs/mugs --json=a.json --verify-data 'my photos' --precision fp32,int8"
    )


def change(path: str, value: object) -> dict:
    record = deepcopy(GOOD)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = record
    for name in parents:
        place = place[name]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return record


MEASURED = "rows.0.measured"
BROKEN = {
    "version": ("schema_version", 2, "schema_version is 2, expected 1"),
    "missing": ("environment.chip", KeyError, "environment.chip is missing"),
    "unknown": ("environment.host", "me", "environment.host is unknown"),
    "type": ("environment.cores", "two", 'environment.cores is "two", expected int'),
    "true is no number": ("environment.cores", True, "environment.cores is true, expected int"),
    "no price": (f"{MEASURED}.accuracy", KeyError, "accuracy is missing"),
    "no pictures": (f"{MEASURED}.accuracy.images", 0, "accuracy has 0 images"),
    "not a number": (f"{MEASURED}.stages_ms.decode.std", float("nan"), "decode.std is nan"),
    "negative": (f"{MEASURED}.cold_start.load_s", -1.0, "load_s is -1.0, below 0"),
    "falling": (f"{MEASURED}.stages_ms.inference.p99", 0.01, "inference: percentiles decrease"),
    "whole below part": (f"{MEASURED}.stages_ms.end_to_end.mean", 0.01, "longer than end to end"),
    "stage": (f"{MEASURED}.stages_ms.decode", KeyError, "stages_ms lacks decode"),
    "batch": (f"{MEASURED}.throughput.1", {"batch": 8}, "throughput[1].images_per_s is missing"),
    "silent row": ("rows.1.why_not", None, "rows[1] must have either"),
    "rows": ("rows", [], "nothing was measured"),
    "rows are a list": ("rows", {"a": 1}, 'rows is {"a": 1}, expected array'),
    "date": ("date", "yesterday", "date is yesterday"),
    "hash": ("model.sha256", "abc", "model.sha256 is not a SHA-256"),
}


@pytest.mark.parametrize(("path", "value", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_record_is_refused_in_words(path: str, value: object, words: str) -> None:
    assert problems(GOOD) == []
    assert words in "\n".join(problems(change(path, value)))


@pytest.mark.parametrize("value", [[], "text", None, {}])
def test_what_is_no_record_at_all_is_refused(value: object) -> None:
    assert problems(value)


def test_the_records_of_other_questions_share_all_but_the_rows() -> None:
    other = make_record(
        "folded", StartState(), {"seconds": 1}, [{"network": "plain", "p50_ms": 3.5}]
    )
    assert problems(other) == []
    assert problems(other | {"rows": [{"p50_ms": -1}]}) == ["rows[0].p50_ms is -1, below 0"]
    assert problems({k: v for k, v in other.items() if k != "before"}) == ["before is missing"]


def test_nothing_in_a_record_names_the_machine_or_its_user() -> None:
    import getpass
    import platform

    text = json.dumps(GOOD["environment"])
    assert platform.node() not in text
    assert f"/{getpass.getuser()}" not in text


def test_the_program_judges_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, cut = (tmp_path / name for name in ("good.json", "bad.json", "cut.json"))
    write_record(GOOD, good)
    bad.write_text(json.dumps(change("rows", [])))
    cut.write_text(good.read_text()[:200])
    assert main([str(good)]) == 0
    assert main([str(good), str(bad), str(cut)]) == 1
    said = capsys.readouterr().out
    assert f"{good}: good" in said
    assert f"{bad}: 1 problems\n  rows is empty" in said
    assert f"{cut}: 1 problems\n  cannot be read" in said
    assert main([]) == 1


def test_a_number_that_is_none_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_record(change(f"{MEASURED}.drift_percent", float("inf")), tmp_path / "bad.json")
    assert not list(tmp_path.iterdir())
