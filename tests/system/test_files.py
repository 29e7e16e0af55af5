from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lmk.system.errors import OutputError, UsageError
from lmk.system.files import (
    check_file,
    move,
    new_folder,
    remove,
    replacing,
    sha256_of,
)


def test_a_new_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "set"
    with new_folder(target) as folder:
        (folder / "a.txt").write_text("a")
        assert not target.exists()
    assert (target / "a.txt").read_text() == "a"
    assert [path.name for path in target.parent.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ValueError, ValueError), (KeyboardInterrupt, KeyboardInterrupt), (OSError, OutputError)],
)
def test_nothing_is_left_of_a_folder_that_failed(tmp_path: Path, error, raised) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "set") as folder:
            (folder / "a.txt").touch()
            raise error

    with pytest.raises(raised):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    for name in ("file", "full"):
        with pytest.raises(UsageError, match="already exists"), new_folder(tmp_path / name):
            pass
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with new_folder(Path()) as folder:
        (folder / "b").touch()
    assert [path.name for path in (tmp_path / "empty").iterdir()] == ["b"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_file_or_a_folder_is_hashed_moved_over_an_older_one_and_removed(
    tmp_path: Path, kind: str
) -> None:
    new, old = tmp_path / "new" / "model", tmp_path / "old" / "model"
    for path, words in ((new, ("a.bin", "weights/b.bin")), (old, ("a.bin", "left over"))):
        for word in words if kind == "folder" else ("",):
            (path / word).parent.mkdir(parents=True, exist_ok=True)
            (path / word).write_text(f"{path.parent.name} {word}")
    before = sha256_of(new)
    assert before != sha256_of(old)
    move(new, old)
    assert not new.exists()
    assert sha256_of(old) == before
    assert [path.name for path in old.parent.iterdir()] == ["model"]
    if kind == "folder":
        (old / "a.bin").rename(old / "c.bin")
        assert sha256_of(old) != before
    for _ in range(2):
        remove(old)
        assert not old.exists()


def test_what_a_killed_attempt_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".set.partial").mkdir()
    (tmp_path / ".set.partial" / "old").touch()
    with new_folder(tmp_path / "set") as folder:
        (folder / "new").touch()
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["new"]


def test_two_writers_of_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    """As two processes that fold the same model at the same time."""
    both_write, path = threading.Barrier(2, timeout=10), tmp_path / "model.onnx"

    def write(level: int) -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(bytes([level]) * 100_000)
            both_write.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (1, 2)))
    assert path.read_bytes() in (bytes([1]) * 100_000, bytes([2]) * 100_000)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_file_that_cannot_be_written_is_said_before_any_work(tmp_path: Path) -> None:
    check_file(tmp_path / "new" / "a.json")
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "a.json"):
        with pytest.raises(OutputError, match=r"is a folder|is not a folder"):
            check_file(path)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_device_or_a_pipe_is_not_replaced_and_a_link_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(OutputError, match="a device or a pipe"), replacing(path):
            pass
        with pytest.raises(OutputError, match="a device or a pipe"):
            check_file(path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "real/a.json")
    for text in ("new", "newer"):
        with replacing(tmp_path / "link.json") as temporary:
            temporary.write_text(text)
        assert (tmp_path / "link.json").is_symlink()
        assert (tmp_path / "real/a.json").read_text() == text


def test_a_folder_is_no_place_for_a_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path, Path()):
        with pytest.raises(OutputError, match="is a folder"), replacing(path):
            pass


def test_a_name_of_255_bytes_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 250 + ".json")
    with replacing(path) as temporary:
        temporary.write_text("{}")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_content_is_on_the_disk_before_the_name(tmp_path: Path, monkeypatch) -> None:
    done, fsync, rename = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("fsync"), fsync(file)))
    monkeypatch.setattr(Path, "replace", lambda *paths: (done.append("rename"), rename(*paths)))
    with replacing(tmp_path / "file") as temporary:
        temporary.write_text("content")
    assert done == ["fsync", "rename"]
    done.clear()
    with new_folder(tmp_path / "set") as folder:
        (folder / "inner").mkdir()
        for name in ("a", "inner/b"):
            (folder / name).write_text("content")
    assert done == ["fsync", "fsync", "rename"]


def test_two_processes_do_not_make_the_same_folder(tmp_path: Path) -> None:
    with new_folder(tmp_path / "set") as first:
        (first / "a").touch()
        message = f"set is in use by process {os.getpid()}: wait for its end"
        with pytest.raises(OutputError, match=message), new_folder(tmp_path / "set"):
            pytest.fail("two write it")
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "a"]


def test_a_new_folder_may_have_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    name = "é" * 127
    with new_folder(tmp_path / name) as folder:
        (folder / "a").touch()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_is_replaced_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o600)
    with replacing(tmp_path / "secret") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
