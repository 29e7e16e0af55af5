from __future__ import annotations

import os
from pathlib import Path

import pytest

from lmk.data.read_file import check_regular, read_text
from lmk.system.errors import DataError


def test_what_cannot_be_read_is_an_error_of_the_data(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.json").write_bytes(b"K\xe4fer")
    (tmp_path / "b.json").write_text("K\u00e4fer", "utf-8")
    assert read_text(tmp_path / "b.json") == "K\u00e4fer"
    check_regular(tmp_path / "b.json", 6)
    for name, words in {
        "a.json": "a.json cannot be read: it is not text in UTF-8",
        "pipe": "a device or a pipe",
        "none": "No such file",
    }.items():
        with pytest.raises(DataError, match=words):
            read_text(tmp_path / name)
    with pytest.raises(DataError, match="expected at most"):
        check_regular(tmp_path / "b.json", 5)
