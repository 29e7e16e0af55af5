from __future__ import annotations

import json
from pathlib import Path

import pytest
from clips import full_disk
from video.sinks.results import found, named, result, write_all

from lmk.system.errors import OutputError
from lmk.video.sinks.jsonl import json_sink


def test_json_has_one_object_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.jsonl"
    both = found("dots"), found("cats", first_id=0)
    frames = [
        result(0, 0.0, name="a/b.png"),
        result(1, 1 / 3, source="camera 1", objects=both),
        result(2, 1.0, objects=()),
    ]
    write_all(json_sink(path), frames)
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    objects = [
        {
            "model": "dots",
            "id": 7,
            "box": [1.5, 2, 30, 40],
            "angle": -31.23,
            "landmarks": [[10.123, 20.5], [3, 4]],
            "scores": [0.9123, 0.5],
            "opacity": [1, 1],
            "confidence": 0.9876,
        },
        {
            "model": "dots",
            "id": 8,
            "box": [5, 6, 7, 8],
            "landmarks": [[5.25, 6], [-7, 8]],
            "scores": [0.1, 0.25],
            "opacity": [1, 0.4],
        },
    ]
    where = {"source": "clip", "frame": 0, "time_s": 0.0, "name": "a/b.png"}
    assert first == {**where, "objects": objects}
    cats = [{**one, "model": "cats", "id": k} for k, one in enumerate(objects)]
    where = {"source": "camera 1", "frame": 1, "time_s": 0.333333}
    assert second == {**where, "objects": objects + cats}
    assert third == {"source": "clip", "frame": 2, "time_s": 1.0, "objects": []}


def test_json_has_named_points_by_name_beside_the_landmarks(tmp_path: Path) -> None:
    write_all(json_sink(tmp_path / "out.jsonl"), [result(0, 0.0, objects=(named(), found()))])
    objects = json.loads((tmp_path / "out.jsonl").read_text())["objects"]
    assert objects[1]["points"] == {
        "left_pupil": [7, 8],
        "right_pupil": [9, 10],
        "tip": [11, 12.123],
    }
    assert objects[1]["landmarks"] == [[5.25, 6], [-7, 8]]
    assert "points" not in objects[2]


def test_json_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("earlier\n")
    with json_sink(path) as sink:
        for index in range(3):
            sink.write(result(index, 0.0))
            lines = path.read_text().splitlines(keepends=True)
            assert [json.loads(line)["frame"] for line in lines] == list(range(index + 1))
            assert lines[-1].endswith("\n")


def test_json_on_a_full_disk_keeps_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    words = r"cannot write .*out\.jsonl.*Free space"
    with full_disk(30_000), pytest.raises(OutputError, match=words) as caught:
        write_all(json_sink(path), (result(index, 0.0) for index in range(1000)))
    assert "\n" not in str(caught.value)
    text = path.read_text()
    frames = [json.loads(line)["frame"] for line in text.splitlines()]
    assert text.endswith("\n")
    assert frames == list(range(len(frames)))
    assert 30_000 - 400 < len(text) <= 30_000  # no whole line more would have found room


def test_json_to_a_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"), json_sink(tmp_path):
        pytest.fail("the sink opened")
