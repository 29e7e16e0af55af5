from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lmk.system import lock
from lmk.system.errors import OutputError
from lmk.system.lock import check_free, held

HOLD = """
import sys, time
from pathlib import Path
from lmk.system.lock import held
with held(Path(sys.argv[1]), Path("run")):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_which_one_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with holder(path) as process:
        try:
            message = rf"^run is in use by process {process.pid}: wait for its end"
            with pytest.raises(OutputError, match=message), held(path, Path("run")):
                pytest.fail("it was held twice")
            with pytest.raises(OutputError, match=message):
                check_free(path, Path("run"))
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_lock_of_a_killed_process_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with holder(path) as process:
        process.send_signal(signal.SIGKILL)
    assert path.read_text() == str(process.pid)
    with held(path, Path("run")):
        assert path.read_text() == str(os.getpid())
    assert not path.exists()


def test_a_lock_keeps_calls_of_one_process_apart_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with (
        held(path, Path("run")),
        pytest.raises(OutputError, match=f"process {os.getpid()}"),
        held(path, Path("run")),
    ):
        pytest.fail("it was held twice")
    check_free(path, Path("run"))
    assert not list(tmp_path.iterdir())


def test_a_lock_that_its_holder_removes_meanwhile_is_made_anew(tmp_path: Path, monkeypatch) -> None:
    path, real, calls = tmp_path / ".lock", lock._lock, []

    def late(file) -> None:
        calls.append(file)
        if len(calls) == 1:
            path.unlink()
        real(file)

    monkeypatch.setattr(lock, "_lock", late)
    with held(path, Path("run")):
        assert path.read_text() == str(os.getpid())
    assert len(calls) == 2


def test_a_file_system_without_locks_is_said_and_blocks_nothing(
    tmp_path: Path, monkeypatch, caplog
) -> None:
    def none(_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock", none)
    with held(tmp_path / ".lock", Path("run")):
        pass
    assert [one.getMessage() for one in caplog.records] == [
        "run is not locked, because its file system has no locks: let no other process write there"
    ]
