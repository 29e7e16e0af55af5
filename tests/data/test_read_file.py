from __future__ import annotations

import os
from pathlib import Path

import pytest

from lmk.data.read_file import read_bytes, read_text
from lmk.system.errors import DataError

TEXT = '{"file_name": "Füchse/狐.png"}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_any_unicode_encoding_that_says_which_it_is(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "a.json").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "a.json") == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "gb18030"])
def test_text_in_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes(TEXT.encode(encoding))
    with pytest.raises(DataError, match=r"a\.json is not text in UTF-8.*save it as UTF-8"):
        read_text(tmp_path / "a.json")


def test_a_file_above_the_limit_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"x" * 1001)
    assert len(read_bytes(file, 1001)) == 1001
    with pytest.raises(DataError, match="has 1,001 bytes, expected at most 1,000"):
        read_bytes(file, 1000)


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it is not a file"):
        read_bytes(tmp_path)
    with pytest.raises(DataError, match="No such file"):
        read_bytes(tmp_path / "absent")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(DataError, match="it is not a file"):
        read_text(tmp_path / "a.json")
