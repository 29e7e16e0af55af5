"""The demo, from start to end."""

from __future__ import annotations

import shutil
from pathlib import Path

from lmk.demo.face import show_faces
from lmk.drawing.sheet import write_sheet
from lmk.system.errors import OutputError, UsageError
from lmk.system.files import replacing
from lmk.system.progress import Reporter

MARK = "made-by-lmk-demo"


def run_demo(folder: Path, report: Reporter, train: bool) -> list[tuple[Path, str]]:
    """Run the part with faces, and with `train` the part with foxes; return the files, described.

    Raises UsageError when the folder contains other files than an earlier demo, and OutputError.
    """
    if folder.exists():
        ours = folder.is_dir() and ((folder / MARK).exists() or not any(folder.iterdir()))
        if not ours:
            raise UsageError(
                f"{folder} contains other files than those of the demo: choose "
                "another folder with -o"
            )
        _empty(folder)
    with replacing(folder / MARK) as mark:
        mark.touch()
    steps = 2 if train else 1
    report.say(f"1 of {steps}  faces: fold, {'verify, ' if train else ''}run")
    sections = [show_faces(folder, report, verify=train)]
    written = [
        (folder / "sheet.png", "all landmarks in one picture"),
        (folder / "faces.mp4", "the clip with landmarks"),
        (folder / "faces.jsonl", "its landmarks, one line per frame"),
        (folder / "faces.onnx", "the exported model"),
    ]
    if train:
        from lmk.demo.fox import show_foxes  # needs torch

        report.say(f"2 of {steps}  foxes: adapt without labels")
        sections += show_foxes(folder, report)
        written.append((folder / "fox", f"the adapted model:  lmk export {folder / 'fox'} -o DIR"))
    write_sheet(folder / "sheet.png", sections)
    return written


def _empty(folder: Path) -> None:
    """Delete the contents of a folder, which itself may be a link or the current folder."""
    try:
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise OutputError(f"cannot empty {folder}: {error.strerror}. Choose another") from error
