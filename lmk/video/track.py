"""Landmarks frame by frame, in Python."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence

from lmk.inference.regions.landmarks import Finding
from lmk.system.logged import LogReporter
from lmk.video.context import RunContext
from lmk.video.filters.base import Smoothing
from lmk.video.loop import track_frames
from lmk.video.open_models import open_models
from lmk.video.options import TrackOptions
from lmk.video.result import Result
from lmk.video.sources.base import Source
from lmk.video.sources.open import open_sources

DEFAULT = TrackOptions()
Place = str | os.PathLike[str]


def track(
    source: Place | Source | Sequence[Place | Source],
    model: Place | Sequence[Place],
    *,
    region: str = DEFAULT.region,
    search_s: float = DEFAULT.search_s,
    smoothing: Smoothing | None = DEFAULT.smoothing,
    runtime: str = DEFAULT.runtime,
    device: str | None = DEFAULT.device,
    search_ms: float | None = DEFAULT.search_ms,
    finding: Finding = DEFAULT.finding,
    require_signature: Place | None = DEFAULT.require_signature,
    context: RunContext | None = None,
) -> Generator[Result, None, None]:
    """Find landmarks in cameras, pictures, videos and streams, frame by frame.

    >>> import lmk
    >>> for result in lmk.track("clip.mp4", "faces"):
    ...     (faces,) = result.objects  # one entry per model
    ...     print(result.frame.index, faces.ids, faces.xy.shape)
    0 [1] (1, 10, 2)
    1 [1] (1, 10, 2)
    2 [1] (1, 10, 2)

    source: as for `lmk run`: "webcam", a file or folder, a URL; or an open `Source`; or a list of
    these, processed together. Of live sources the newest frame is used, of files every frame.
    model: the name of a shipped model, a model or run folder, a .adapter file or an exported file,
    or a list of these. The others, from region to require_signature, see `TrackOptions`, are the
    options of `lmk run`, with the same defaults. context: to stop or pause the run from another
    thread, to read stage times and failures, and to receive messages, which otherwise go to the
    logger "lmk".

    Nothing is opened before the first frame is requested. Closing the generator closes the sources
    and ends their threads. Leaving a loop over it closes it too, unless a variable refers to it:
    then call its `close()` or use contextlib.closing. The frame of a result is uint8 BGR (H, W, 3);
    landmarks, named points and boxes are float32 in its pixels, see `Objects`.

    Raises UsageError, UnavailableError, SourceError and WeightsError.
    """
    context = context or RunContext(LogReporter())
    options = TrackOptions(
        region, search_s, smoothing, runtime, device, search_ms, finding, require_signature
    )
    models = [model] if isinstance(model, str | os.PathLike) else model
    with open_sources(_several(source), context.report) as sources:
        options = options.for_sources(sources)
        loaded = open_models(models, options, sources[0].still, context.report)
        yield from track_frames(sources, loaded, context)


def _several(given: Place | Source | Sequence[Place | Source]) -> list[Place | Source]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        return [given]
    return list(given)
