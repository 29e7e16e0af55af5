from __future__ import annotations

import pytest

from lmk.errors import DataError, OutputError
from lmk.files import creating_folder


def test_a_folder_appears_when_it_is_finished(tmp_path) -> None:
    with creating_folder(tmp_path / "deep" / "out") as folder:
        (folder / "a.txt").write_text("a")
        assert not (tmp_path / "deep" / "out").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    assert (tmp_path / "deep" / "out" / "a.txt").read_text() == "a"


def test_a_failure_leaves_no_folder(tmp_path) -> None:
    def fail() -> None:
        with creating_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text("a")
            raise DataError("no")

    with pytest.raises(DataError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_replaced(tmp_path) -> None:
    with creating_folder(tmp_path / "out") as folder:
        left = folder
    (tmp_path / "out").rename(left)
    (left / "half.txt").touch()
    with creating_folder(tmp_path / "out") as folder:
        (folder / "whole.txt").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole.txt"]


def test_an_existing_folder_is_refused(tmp_path) -> None:
    with (
        pytest.raises(OutputError, match="exists already"),
        creating_folder(tmp_path),
    ):
        pytest.fail("entered")
