"""List the pictures below a folder, and say what else is there."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from lmk.data.content import READABLE, REMEDIES, read_kind
from lmk.data.suffixes import SUFFIXES
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

SHOWN = 3
NO_PICTURE, RAW = "no picture", "a camera's raw picture: convert it first"
# What a training writes: its sample pictures may lie below the pictures that it learns from.
TRAINING = ("config.yaml", {"checkpoint.pt", "manifest.json"})

LeftOut = defaultdict[str, list[str]]
"""Names below the folder, by the reason."""


def list_images(folder: Path, report: Reporter | None = None) -> list[Path]:
    """Find the pictures below a folder, sorted by path.

    A file with the suffix of a picture is one; of the others, the first bytes decide. Hidden files
    and folders, and the run folders of trainings, are not pictures. Links are followed, to each
    folder once. `report` receives one line about what is left out. Raises DataError if there are
    none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of images")
    left_out = LeftOut(list)
    paths = []
    for entry in files_below(folder, left_out):
        if reason := why_no_picture(entry):
            left_out[reason].append(os.path.relpath(entry.path, folder))
        else:
            paths.append(Path(entry.path))
    if not paths:
        expected = f"expected {', '.join(sorted(SUFFIXES))} files"
        raise DataError(f"no images below {folder}: {expected}{told(left_out, ', and got ')}")
    if report and left_out:
        report.warn(told(left_out, f"left out in {folder}: "))
    return sorted(paths)


def files_below(root: Path, left_out: LeftOut) -> Iterator[os.DirEntry[str]]:
    """Yield what is not a folder, and not hidden, in an order that is always the same.

    Real folders come before linked ones; run folders of trainings are left out.
    """
    seen: set[tuple[int, int]] = set()
    real, linked = [os.fspath(root)], list[str]()
    while real or linked:
        folder = real.pop() if real else linked.pop(0)
        try:
            status = os.stat(folder)  # noqa: PTH116, a Path of each would take longer
            with os.scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            left_out[error.strerror or str(error)].append(os.path.relpath(folder, root))
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        names = {entry.name for entry in visible}
        if folder != os.fspath(root) and TRAINING[0] in names and names & TRAINING[1]:
            left_out["a training"].append(os.path.relpath(folder, root))
            continue
        inside = list[str]()
        for entry in sorted(visible, key=lambda entry: entry.name):
            if not _says(entry.is_dir):
                yield entry
            else:
                (linked if entry.is_symlink() else inside).append(entry.path)
        real += reversed(inside)  # the last one is the next one


def _says(question: Callable[[], bool]) -> bool:
    with suppress(OSError):  # of links in a circle
        return question()
    return False


def why_no_picture(entry: os.DirEntry[str]) -> str:
    """Why a file below a folder is no picture; "" for one."""
    if not _says(entry.is_file):
        broken = entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110
        return "a broken link" if broken else "not a regular file"
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
    if suffix in SUFFIXES:
        return ""  # also if it is none: that decoding says, with the reason
    try:
        kind = read_kind(Path(entry.path))
    except OSError as error:
        return error.strerror or str(error)
    if kind == "TIFF" and suffix:  # what cameras call .dng, .nef or .cr2
        return RAW
    return "" if kind in READABLE else REMEDIES.get(kind, NO_PICTURE)


def told(left_out: LeftOut, start: str) -> str:
    """Say in one line what was left out and why."""
    parts = []
    for reason, names in sorted(left_out.items(), key=lambda one: one[0] == NO_PICTURE):
        shown, more = ", ".join(sorted(names)[:SHOWN]), len(names) - SHOWN
        parts.append(f"{shown}{f' and {more:,} more' if more > 0 else ''} ({reason})")
    return start + "; ".join(parts) if parts else ""
