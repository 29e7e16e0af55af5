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
    with pytest.raises(OSError, match=r"0\.0 MB, expected at most"):
        read_bytes(tmp_path / "file", 4)


def test_text_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfK\xc3\xa4fer")
    assert read_text(tmp_path / "file", 100) == "Käfer"
    (tmp_path / "file").write_bytes("Käfer".encode("latin-1"))
    with pytest.raises(ValueError, match="utf-8"):
        read_text(tmp_path / "file", 100)
