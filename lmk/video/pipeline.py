"""A run: find objects in frames and pass them to sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace

from lmk.arrays import Image
from lmk.system.progress import Bar, Reporter
from lmk.video.context import RunContext
from lmk.video.loop import track_frames
from lmk.video.result import Objects
from lmk.video.run_model import RunModel
from lmk.video.sinks.base import Sink
from lmk.video.sources.base import Frame, Source

Draw = Callable[[Frame, Sequence[Objects], str], Image]
"""A frame, what was found in it, and its source's title, to a copy with the landmarks drawn."""


@dataclass(frozen=True)
class Summary:
    """Numbers of a run: processed frames, those without an object, and failed ones per model."""

    frames: int
    empty: int
    failures: dict[str, int]
    seconds: float

    @property
    def fps(self) -> float:
        """Frames per second, end to end."""
        return self.frames / max(self.seconds, 1e-9)


def run(
    sources: Sequence[Source],
    models: Sequence[RunModel],
    sinks: Sequence[Sink],
    draw: Draw,
    context: RunContext,
) -> Summary:
    """Find landmarks in every frame of the sources and pass them to the sinks.

    The frames are those of `track_frames`. draw: makes the pictures for the sinks that need them.
    Raises what `track_frames` raises, and OutputError.
    """
    start, empty, stages = time.perf_counter(), 0, context.stages
    draws = any(sink.draws for sink in sinks)
    with (
        closing(track_frames(sources, models, context)) as results,
        _bar(sources, context.report) as bar,
    ):
        for result in results:
            empty += not any(len(found.ids) for found in result.objects)
            if draws:
                with stages.time("draw"):
                    drawn = draw(result.frame, result.objects, result.source)
                result = replace(result, drawn_bgr=drawn)
            with stages.time("write"):
                for sink in sinks:
                    sink.write(result)
            if bar:
                bar.advance(note="running")
    seconds = time.perf_counter() - start
    return Summary(stages.frames, empty, dict(context.failures), seconds)


def _bar(sources: Sequence[Source], report: Reporter) -> AbstractContextManager[Bar | None]:
    counts = [source.frame_count for source in sources]
    if not all(counts):
        return nullcontext()
    return report.bar("frames", sum(count or 0 for count in counts))
