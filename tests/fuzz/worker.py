"""Damage files and use them, in a process of its own with limits; prints one JSON line per fault.

python -m fuzz.worker FOLDER COUNT SEED [TARGET ...]

A fault is an error that is not an `LmkError`, a file that takes too long or too much memory, and
anything written, renamed or deleted outside the folder.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

SECONDS = 10  # per file, on a machine that does other work
MEMORY = 3 << 30  # more than the process has before
WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate"}


class TooLongError(BaseException):
    """No handler of exceptions may take it for one of the file's."""


def watch_writes(inside: Path, found: list[str]) -> None:
    """Note every path outside a folder that Python is asked to change."""
    root = str(inside.resolve())

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
            paths = [path]
        elif event in WRITES:
            paths = [one for one in arguments if isinstance(one, (str, bytes))]
        else:
            return
        for path in paths:
            if isinstance(path, (str, bytes)):
                whole = os.path.abspath(os.fsdecode(path))  # noqa: PTH100, a link is what is changed
                if (
                    not whole.startswith((root, "/dev/null", "/proc/"))
                    and "__pycache__" not in whole
                ):
                    found.append(f"{event} {whole}")

    sys.addaudithook(check)


def run(target: Any, folder: Path, seed: int, outside: list[str]) -> str | None:
    """Damage a fresh copy with a seed, and use it; return what went wrong."""
    from lmk.system.errors import LmkError

    place = folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / "valid" / target.name, place, symlinks=True)
    os.environ["LMK_CACHE"] = str(place / "cache")
    os.chdir(place)
    generator = random.Random(f"{target.name} {seed}")
    target.damage(generator, place)
    outside.clear()
    fault = None
    signal.alarm(SECONDS)
    try:
        target.use(place)
    except LmkError as error:
        if len(str(error)) > 2000:
            fault = f"a message of {len(str(error))} characters"
    except TooLongError:
        fault = f"took more than {SECONDS} s"
    except BaseException as error:
        at = [
            f"{frame.filename.rpartition('/lmk/')[2]}:{frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)
        ][-4:]
        fault = f"{type(error).__name__}: {str(error)[:200]} ({' < '.join(reversed(at))})"
    finally:
        signal.alarm(0)
    return fault or (f"wrote outside: {outside[0]}" if outside else None)


def main(folder: Path, count: int, seed: int, names: list[str]) -> None:
    from fuzz.targets import TARGETS

    def too_long(*_: object) -> None:
        raise TooLongError

    chosen = [target for target in TARGETS if not names or target.name in names]
    for target in chosen:
        valid = folder / "valid" / target.name
        valid.mkdir(parents=True)
        os.environ["LMK_CACHE"] = str(folder / "place" / "cache")
        shutil.rmtree(folder / "place", ignore_errors=True)
        (folder / "place").mkdir()
        target.make(folder / "place")
        target.use(folder / "place")
        shutil.rmtree(valid)
        shutil.move(folder / "place", valid)
    for file in (folder / "valid").rglob("*"):
        assert not file.is_symlink()
    signal.signal(signal.SIGALRM, too_long)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    outside: list[str] = []
    watch_writes(folder, outside)
    for index in range(count):
        target = chosen[index % len(chosen)]
        number = seed + index // len(chosen)
        if fault := run(target, folder, number, outside):
            print(json.dumps({"target": target.name, "seed": number, "fault": fault}), flush=True)
    print(json.dumps({"done": count}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
