"""Open the source that a text describes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lmk.system.errors import SourceError, UsageError
from lmk.system.progress import Reporter
from lmk.video.sources.base import Source
from lmk.video.sources.camera import open_camera
from lmk.video.sources.pictures import is_picture, open_folder, open_pictures
from lmk.video.sources.recording import open_video
from lmk.video.sources.secrecy import PIPE, without_secrets
from lmk.video.sources.standard_input import open_standard_input
from lmk.video.sources.stream import PIPELINE, STREAM, open_pipeline, open_url


@contextmanager
def open_sources(
    sources: Sequence[str | os.PathLike[str] | Source], report: Reporter | None = None
) -> Iterator[list[Source]]:
    """Open several sources to process together, and close them at the end of the block.

    sources: paths and texts as for `open_source`, or open sources. Several picture files become one
    source, see `open_pictures`, in the place of the first. Raises what `open_source` raises, and
    UsageError for an empty list, for a repeated source, and for pictures together with videos.
    """
    if not sources:
        raise UsageError("expected at least one source")
    with ExitStack() as stack:
        given = [one if isinstance(one, Source) else os.fspath(one) for one in sources]
        pictures = [Path(one) for one in given if isinstance(one, str) and _is_picture(one)]
        opened, known = [], set(pictures)
        for one in given:
            if isinstance(one, Source):
                opened.append(stack.enter_context(one))
            elif Path(one) not in known:
                opened.append(stack.enter_context(open_source(one, report)))
            elif pictures:
                opened.append(stack.enter_context(open_pictures(pictures, report)))
                pictures = []
        if len(set(sources)) == len(sources):
            _number_streams(opened)
        titles = [source.title for source in opened]
        if len(set(titles)) < len(titles):
            raise UsageError(f"expected different sources, got {', '.join(titles)}")
        if len({source.still for source in opened}) > 1:
            raise UsageError("pictures and videos cannot be in one run: use two runs")
        yield opened


def _number_streams(sources: Sequence[Source]) -> None:
    """Number the streams that differ only in what their titles hide, such as a query."""
    counts = Counter[str]()
    for source in sources:
        counts[source.title] += 1
        if counts[source.title] > 1 and source.title.startswith((STREAM, PIPELINE)):
            source.title += f" ({counts[source.title]})"


def open_source(text: str, report: Reporter | None = None) -> Source:
    """Open a source of frames.

    `webcam`, `webcam:1` or `/dev/video1`, a camera; `-`, `stdin:mjpeg@FPS` or
    `stdin:bgr24:WxH[@FPS]`, standard input; an image, a folder of images or a video file; a URL;
    a GStreamer pipeline, which has ` ! ` in it. `report` receives messages when a live source is
    lost and back, and about unreadable pictures of a folder. Raises UsageError for an unknown text,
    UnavailableError if OpenCV lacks a component, and SourceError for a source that cannot be opened
    or has no frame.
    """
    if _names_input(text):
        return open_standard_input(text, report)
    if _names_camera(text):
        return open_camera(text, report)
    if os.path.exists(text):  # noqa: PTH110, a Path raises for a long pipeline
        return _open_path(Path(text), report)
    if PIPE in text:
        return open_pipeline(text, report)
    if "://" in text:
        return open_url(text, report)
    raise SourceError(
        f"no file or folder at {without_secrets(text)}: expected an image, a folder of images, a "
        "video, a stream URL, a GStreamer pipeline, webcam, or - for standard input"
    )


def _names_input(text: str) -> bool:
    return text in ("-", "stdin") or text.startswith("stdin:")


def _names_camera(text: str) -> bool:
    if text == "webcam" or text.startswith("webcam:"):
        return True
    return text.startswith("/dev/") and not (Path(text).is_file() or Path(text).is_dir())


def _is_picture(text: str) -> bool:
    """Whether a source is a picture file; what its text means comes first, as in `open_source`."""
    if _names_input(text) or _names_camera(text) or not os.path.exists(text):  # noqa: PTH110
        return False
    return is_picture(Path(text))


def _open_path(path: Path, report: Reporter | None) -> Source:
    if path.is_dir():
        return open_folder(path, report)
    if is_picture(path):
        return open_pictures([path], report)
    return open_video(path, report)
