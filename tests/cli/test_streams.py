from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LIST = [sys.executable, "-m", "lmk", "models", "list"]
linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of bash, in which $LIST lists the models."""
    environment = {**os.environ, "LIST": " ".join(LIST)}
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)


@linux
def test_a_full_standard_output_is_an_error_in_one_line() -> None:
    done = shell("$LIST > /dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "error: cannot write the output: No space left on device. Free space or redirect it "
        "elsewhere\n"
    )


@linux
def test_messages_that_cannot_be_written_do_not_end_the_work() -> None:
    program = (
        "import sys; from lmk.cli.streams import prepare_streams; prepare_streams()\n"
        "from lmk.system.progress import Reporter\n"
        "for _ in range(3): Reporter().say('read by nobody')\n"
        "print('done')"
    )
    for broken in ("2> /dev/full", "2> >(true)", "2>&-"):
        done = shell(f'{sys.executable} -c "{program}" {broken}')
        assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", ""), broken


def test_a_reader_that_ended_ends_the_command_quietly() -> None:
    done = shell("$LIST | true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (141, "")


def test_a_file_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    program = (
        "from lmk.cli.streams import prepare_streams; prepare_streams()\n"
        f"file = open({str(tmp_path / 'file')!r}, 'w')\n"
        f"open({str(tmp_path / 'number')!r}, 'w').write(str(file.fileno()))"
    )
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, program], check=False
    )
    assert done.returncode == 0
    assert int((tmp_path / "number").read_text()) > 2


def test_a_closed_standard_output_is_no_error() -> None:
    done = shell("$LIST >&-")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_work_whose_terminal_is_closed_ends_completely_with_the_code_of_the_signal(
    tmp_path: Path,
) -> None:
    import pty

    program = f"""
import sys, typer
from pathlib import Path
import lmk.cli
from lmk.system.interrupt import stop_on_signals
from lmk.system.progress import Reporter

def work():
    with stop_on_signals() as stop, Reporter().bar("working", 9) as bar:
        print("ready", flush=True)
        stop.wait(30)
        bar.advance()
    Reporter().say("stopped")
    Path({str(tmp_path / "done")!r}).touch()
    typer.echo("wrote done")

lmk.cli.app.command("work")(work)
sys.argv = ["lmk", "work"]
lmk.cli.main()
"""
    process, terminal = pty.fork()
    if process == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup ignores
        os.execv(sys.executable, [sys.executable, "-c", program])
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status == 128 + signal.SIGHUP
    assert (tmp_path / "done").exists()
