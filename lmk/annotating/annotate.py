"""`annotate`: serve a page in which a person puts named points into pictures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from lmk.annotating.app import make_app
from lmk.annotating.gallery import Gallery
from lmk.annotating.guide import Guide
from lmk.annotating.points_file import open_points_file
from lmk.annotating.session import Session
from lmk.data.listing import list_images
from lmk.system.interrupt import stop_on_signals
from lmk.system.progress import Reporter
from lmk.web.server import parse_address, serving

POLL_S = 0.2


def annotate(
    photos: Path,
    file: Path,
    names: Sequence[str],
    model: str | None,
    wanted: int | None,
    address: str,
    token: str | None,
    report: Reporter,
) -> int:
    """Serve the page until the person finishes, and return how many pictures are annotated.

    photos: a folder of pictures. file: the COCO file to write, or to go on with. names: of the
    points; those of the file if there are none. model: helps to choose pictures and predicts
    points. wanted: how many pictures to ask for, None for all. address, token: see `serving`.
    Raises what `open_points_file`, `Guide` and `serving` raise, and DataError for a folder without
    pictures.
    """
    host, port = parse_address(address)
    pictures = list_images(photos, report)
    with ExitStack() as stack:
        opened = stack.enter_context(open_points_file(file, names, pictures))
        guide = None
        if model is not None:
            guide = Guide(model, opened.names, pictures, report)
            stack.callback(guide.close)
        session = Session(Gallery(pictures), opened, guide, wanted)
        url = stack.enter_context(serving(make_app(session), host, port, report, token))
        report.say(f"annotate at {url}")
        report.say("every point is saved at once; Finish in the page, or Ctrl+C here, ends it")
        stop = stack.enter_context(stop_on_signals())
        while not (stop.is_set() or session.finished.wait(POLL_S)):
            pass
    return session.done
