"""`lmk label` as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pictures import write_pictures
from typer.testing import CliRunner

from lmk.cli import app
from lmk.labelling.options import ROWS_PER_FILE

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")


def label(*arguments: object):
    return CliRunner().invoke(app, ["label", *map(str, arguments)])


def test_a_run_says_what_was_done_and_what_was_not(tmp_path: Path) -> None:
    write_pictures(tmp_path / "in", 3)
    (tmp_path / "in" / "bad.png").write_bytes(b"nothing")
    arguments = (tmp_path / "in", "-o", tmp_path / "out", "-m", "faces-tiny", "--rows-per-file", 20)
    for earlier in (0, 2):
        done = label(*arguments)
        assert done.exit_code == 0
        assert done.stdout.splitlines() == [
            f"{tmp_path / 'out'}  4 pictures, 0 objects, in 2 files ({earlier} of them from "
            "earlier runs)",
            "no object in 3 pictures",
            "1 pictures cannot be used: see skipped.txt there",
        ]


def test_the_default_of_the_option_is_that_of_the_function() -> None:
    shown = " ".join(label("--help").stdout.split())
    assert f"[default: {ROWS_PER_FILE}]" in shown


def test_without_a_model_nothing_is_done(tmp_path: Path) -> None:
    write_pictures(tmp_path / "in", 1)
    done = label(tmp_path / "in", "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()
