from __future__ import annotations

import csv
from pathlib import Path

import pytest
from clips import full_disk
from video.sinks.results import found, named, result, write_all

from lmk.system.errors import OutputError
from lmk.video.sinks.csv import csv_sink

HEAD = "source,frame,time_s,name,model,id,landmark,x,y,score,opacity,angle,point"


def test_csv_has_one_row_a_landmark(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    objects = (found("dots"), found("cats", first_id=0))
    frames = [result(0, 0.0, objects=()), result(4, 1 / 3, source='a "b", c', objects=objects)]
    write_all(csv_sink(path), frames)
    lines = path.read_text().splitlines()
    assert lines[0] == HEAD
    assert len(lines) == 1 + 8
    assert lines[1] == '"a ""b"", c",4,0.333333,,dots,7,0,10.123,20.5,0.9123,1.0,-31.2,'
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} == {'a "b", c'}
    keys = [(row["model"], row["id"], row["landmark"]) for row in rows]
    expected = [("dots", n, k) for n in "78" for k in "01"]
    assert keys == expected + [("cats", n, k) for n in "01" for k in "01"]
    held = [float(rows[3][name]) for name in ("x", "y", "score", "opacity")]
    assert held == [-7, 8, 0.25, 0.4]


def test_csv_has_one_row_a_named_point_with_its_name(tmp_path: Path) -> None:
    write_all(csv_sink(tmp_path / "out.csv"), [result(0, 0.0, objects=(named(), found()))])
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ["left_pupil", "right_pupil", "tip"]
    keys = [(row["model"], row["id"], row["landmark"], row["point"]) for row in rows]
    points = [("feet", n, str(k), name) for n in "78" for k, name in enumerate(names)]
    assert keys == points + [("dots", n, k, "") for n in "78" for k in "01"]
    held = [float(rows[5][name]) for name in ("x", "y", "score", "opacity")]
    assert held == [11, 12.123, 0.175, 0.4]  # the score is the mean of 0.1 and 0.25


def test_csv_on_a_full_disk_keeps_whole_frames(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with full_disk(20_000), pytest.raises(OutputError, match="Free space"):
        write_all(csv_sink(path), (result(index, 0.0) for index in range(1000)))
    head, *lines = path.read_text().splitlines(keepends=True)
    assert head == f"{HEAD}\n"
    assert len(lines) % 4 == 0
    assert lines[-1].endswith("\n")
    assert 20_000 - 300 < path.stat().st_size <= 20_000


def test_no_text_begins_a_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    frames = [result(0, 0.0, source="=1+1.mp4", name="-2.png", objects=(found("@sum"),))]
    write_all(csv_sink(tmp_path / "out.csv"), frames)
    with (tmp_path / "out.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[3]
    assert (row["source"], row["name"], row["model"]) == ("'=1+1.mp4", "'-2.png", "'@sum")
    assert float(row["x"]) == -7
