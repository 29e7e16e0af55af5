from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lmk.system.cache import Entry, cache_folder, key_of
from lmk.system.errors import OutputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_entry_comes_back_until_what_it_was_made_from_changes(folder: Path) -> None:
    entry = Entry("onnx", key_of("model 1"), ".onnx")
    assert entry.find() is None
    path = entry.add(b"content")
    assert entry.find() == path
    assert path.read_bytes() == b"content"
    assert path.parent == folder / "onnx"
    assert Entry("onnx", key_of("model 2"), ".onnx").find() is None
    assert Entry("onnx", key_of("model 1"), ".npy").find() is None
    assert Entry("labels", key_of("model 1"), ".onnx").find() is None


@pytest.mark.parametrize("damaged", [b"", b"conten", b"bontent", b"content "])
def test_a_damaged_entry_is_deleted(folder: Path, damaged: bytes) -> None:
    entry = Entry("onnx", key_of("model"), ".onnx")
    path = entry.add(b"content")
    path.write_bytes(damaged)
    assert entry.find() is None
    assert not path.exists()
    assert entry.add(b"content") == path
    assert entry.find() == path


def test_only_old_entries_are_deleted(folder: Path) -> None:
    others = [f"{name}.onnx" for name in ("mine", "0" * 16, "0" * 65, f"{'0' * 32}-{'x' * 32}")]
    (folder / "onnx").mkdir(parents=True)
    for age, name in enumerate(others):
        (folder / "onnx" / name).touch()
        os.utime(folder / "onnx" / name, (1e9 - age, 1e9 - age))
    leftover, running = (folder / "onnx" / f".7-{n}.partial.onnx" for n in (0, 1))
    for path in (leftover, running):
        path.touch()
    os.utime(leftover, (1e9, 1e9))
    paths = []
    for number in range(4):
        paths.append(Entry("onnx", key_of(str(number)), ".onnx", kept=3).add(b"content"))
        os.utime(paths[-1], (1e9 + number, 1e9 + number))
    left = {path.name for path in (folder / "onnx").iterdir()}
    assert left == {running.name, *others, *(path.name for path in paths[1:])}
    Entry("onnx", key_of("1"), ".onnx", kept=3).find()  # used again: now the newest
    Entry("onnx", key_of("4"), ".onnx", kept=3).add(b"content")
    assert paths[1].exists()
    assert not paths[2].exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "file"))
    entry = Entry("onnx", key_of("model"), ".onnx")
    assert entry.find() is None
    with pytest.raises(OutputError, match=r"cannot write .*LMK_CACHE"):
        entry.add(b"content")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_cache_is_where_the_user_or_the_system_wants_it(tmp_path: Path, monkeypatch) -> None:
    for name in ("LMK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "lmk"
    monkeypatch.setenv("XDG_CACHE_HOME", "")  # the same as not set
    assert cache_folder() == tmp_path / ".cache" / "lmk"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "lmk"
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("LMK_CACHE", "")
    assert cache_folder() == tmp_path / "xdg" / "lmk"
