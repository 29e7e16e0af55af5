"""Where a video file is, as OpenCV and FFmpeg take it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from lmk.system.text import writable


def place_of(path: Path) -> str:
    """The absolute path of a file, in UTF-8.

    FFmpeg takes what is before a colon for a protocol, but not after a slash. OpenCV takes only
    UTF-8 and crashes on other names: for such a file it is a link, which exists until the process
    ends. A link works on every system, unlike /proc/self/fd.
    """
    whole = str(path.absolute())
    if writable(whole) == whole:
        return whole
    folder = Path(tempfile.mkdtemp(prefix="lmk-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / f"video{path.suffix.encode('ascii', 'ignore').decode()}"
    link.symlink_to(whole)
    return str(link)
