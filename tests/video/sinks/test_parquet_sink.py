from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from clips import full_disk
from video.sinks.results import found, named, result, write_all

from lmk.system.errors import OutputError
from lmk.video.result import Result
from lmk.video.sinks import parquet
from lmk.video.sinks.parquet import parquet_sink

dataset = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 40 rows, 10 frames of two objects with two landmarks."""
    monkeypatch.setattr(parquet, "BATCH_ROWS", 8)
    monkeypatch.setattr(parquet, "PART_ROWS", 40)


def test_parquet_has_one_typed_row_a_landmark_over_all_parts(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    frames = [
        result(i, i / 3, source=f"camera {i % 2}", objects=(found(("dots", "cats")[i % 2]),))
        for i in range(23)
    ]
    write_all(parquet_sink(path), frames)
    assert sorted(part.name for part in path.iterdir()) == [
        f"part-00000{i}.parquet" for i in range(3)
    ]
    table = dataset.read_table(path)
    columns = table.to_pydict()
    assert columns["frame"] == np.repeat(np.arange(23), 4).tolist()
    assert columns["source"] == [f"camera {i % 2}" for i in columns["frame"]]
    assert columns["model"] == [("dots", "cats")[i % 2] for i in columns["frame"]]
    assert columns["id"] == [7, 7, 8, 8] * 23
    assert columns["landmark"] == [0, 1] * 46
    one = found()
    expected = np.tile(one.xy.reshape(-1, 2), (23, 1))
    np.testing.assert_array_equal(np.stack([columns["x"], columns["y"]], 1), expected)
    np.testing.assert_allclose(columns["time_s"], np.repeat(np.arange(23) / 3, 4), atol=1e-6)
    np.testing.assert_array_equal(columns["opacity"], np.tile(one.opacity.ravel(), 23))
    assert str(table.schema.field("x").type) == "float"
    assert str(table.schema.field("time_s").type) == "double"


def test_parquet_has_the_names_of_named_points(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    write_all(parquet_sink(path), [result(0, 0.0, objects=(named(), found()))])
    columns = dataset.read_table(path).to_pydict()
    names = ["left_pupil", "right_pupil", "tip"]
    assert columns["point"] == 2 * names + 4 * [""]
    assert columns["landmark"] == [0, 1, 2] * 2 + [0, 1] * 2
    np.testing.assert_array_equal(columns["x"][:6], named().points[..., 0].ravel())


def test_parquet_parts_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    with parquet_sink(tmp_path / "out.parquet") as sink:
        for index in range(10):
            sink.write(result(index, 0.0))
        assert dataset.read_table(tmp_path / "out.parquet").num_rows == 40


def test_a_part_is_written_at_the_latest_after_a_minute(tmp_path: Path, monkeypatch) -> None:
    clock, path = SimpleNamespace(now=100.0), tmp_path / "out.parquet"
    monkeypatch.setattr(parquet.time, "monotonic", lambda: clock.now)
    empty = result(0, 0.0, objects=())

    def parts(seconds: float, *results: Result) -> int:
        """Count the parts after results that come at a time."""
        clock.now = 100.0 + seconds
        for one in results:
            sink.write(one)
        return len(list(path.iterdir())) if path.exists() else 0

    with parquet_sink(path) as sink:
        assert parts(0, empty) == 0
        assert parts(500, empty, result(1, 0.0)) == 0  # whose rows are the oldest
        assert parts(559, empty) == 0
        assert parts(560, empty) == 1  # also when nothing is found any more
        assert parts(900, empty, empty) == 1  # and none without rows
        assert parts(901, result(2, 0.0)) == 1
        assert parts(961, result(3, 0.0)) == 2
        tables = [dataset.read_table(part).num_rows for part in sorted(path.iterdir())]
    assert tables == [4, 8]
    assert len(list(path.iterdir())) == 2


def test_parquet_on_a_full_disk_keeps_the_parts_before(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with parquet_sink(path) as sink:
        for index in range(19):
            sink.write(result(index, 0.0))
        with full_disk(500), pytest.raises(OutputError, match="Free space"):
            sink.write(result(19, 0.0))
    assert [part.name for part in path.iterdir()] == ["part-000000.parquet"]
    assert dataset.read_table(path).num_rows == 40


def test_parquet_without_objects_is_an_empty_table(tmp_path: Path) -> None:
    write_all(parquet_sink(tmp_path / "out.parquet"), [result(0, 0.0, objects=())])
    table = dataset.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 0
    assert table.column_names[:3] == ["source", "frame", "time_s"]


def test_parquet_touches_nothing_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(OutputError, match="already exists"), parquet_sink(tmp_path):
        pytest.fail("the sink opened")


def test_the_folder_may_have_any_name_of_the_file_system(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9.parquet")
    write_all(parquet_sink(folder), [result(0, 0.0)])
    (part,) = folder.iterdir()
    assert dataset.read_table(part.open("rb")).num_rows == 4
