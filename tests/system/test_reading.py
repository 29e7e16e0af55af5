from __future__ import annotations

import os
from pathlib import Path

import pytest

from lmk.system.reading import read_bytes, read_text


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A pipe without a writer would be waited for, and /dev/zero read until the memory ends."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path, words in {
        tmp_path / "pipe": "a device or a pipe",
        tmp_path / "link": "a device or a pipe",
        Path(os.devnull): "a device or a pipe",
        tmp_path: "a folder",
        tmp_path / "none": "No such file",
        tmp_path / (300 * "a"): "File name too long",
    }.items():
        with pytest.raises(OSError, match=words):
            read_bytes(path, 100)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_bytes(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match=r"it has 5 bytes, expected at most 4"):
        read_bytes(tmp_path / "file", 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_any_unicode_encoding_that_says_which_it_is(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "file").write_bytes("Füchse/狐.png".encode(encoding))
    assert read_text(tmp_path / "file", 100) == "Füchse/狐.png"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_text_in_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "file").write_bytes("Füchse".encode(encoding))
    with pytest.raises(ValueError, match=r"not text in UTF-8.*save it as UTF-8"):
        read_text(tmp_path / "file", 100)
