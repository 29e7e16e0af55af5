"""The demo, start to end."""

from __future__ import annotations

import shutil
from pathlib import Path

from lmk.demo.face import show_faces
from lmk.demo.fox import show_foxes
from lmk.errors import UsageError
from lmk.files import replacing
from lmk.progress import Reporter
from lmk.sheet import write_sheet

MARK = "made-by-lmk-demo"


def run_demo(folder: Path, report: Reporter) -> list[tuple[Path, str]]:
    """Run both halves and return the written files, each with what it is.

    Raises UsageError when the folder holds something else than an earlier demo, and OutputError.
    """
    if folder.exists():
        ours = folder.is_dir() and ((folder / MARK).exists() or not any(folder.iterdir()))
        if not ours:
            raise UsageError(f"{folder} holds something else: choose another folder with -o")
        shutil.rmtree(folder)
    with replacing(folder / MARK) as mark:
        mark.touch()
    report.say("1 of 2  faces: fold, export, run")
    sections = [show_faces(folder, report)]
    report.say("2 of 2  foxes: adapt without labels")
    sections += show_foxes(folder, report)
    write_sheet(folder / "sheet.png", sections)
    return [
        (folder / "sheet.png", "landmarks on the face and on the foxes, before and after"),
        (folder / "faces.mp4", "the clip with landmarks"),
        (folder / "faces.jsonl", "its landmarks, one object a frame"),
        (folder / "faces.onnx", "the exported model"),
        (folder / "fox", "the adapted model:  lmk export " + str(folder / "fox") + " -o DIR"),
    ]
