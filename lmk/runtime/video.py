"""The loop that carries frames from a source through the model to the sinks."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np

from lmk.progress import Reporter
from lmk.runtime.backends.base import Backend
from lmk.runtime.crops import cut_crops
from lmk.runtime.draw import draw_landmarks
from lmk.runtime.landmarker import locate
from lmk.runtime.regions.places import Region
from lmk.runtime.result import Objects, Result
from lmk.runtime.sinks.base import Sink
from lmk.runtime.sources.base import Frame, Source


@dataclass(frozen=True)
class Summary:
    """What a run did: frames, seconds from first read to last write, and the mean milliseconds a
    frame spent in each stage, in the stages' order."""

    frames: int
    seconds: float
    stage_ms: dict[str, float]

    @property
    def fps(self) -> float:
        """Frames a second, end to end."""
        return self.frames / max(self.seconds, 1e-9)


class _Clock:
    def __init__(self) -> None:
        self.total_s: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.total_s[stage] += time.perf_counter() - start


def run_source(
    source: Source,
    region: Region,
    backend: Backend,
    sinks: Sequence[Sink],
    report: Reporter,
    stop: threading.Event,
) -> Summary:
    """Find landmarks in every frame of a source and hand them to the sinks.

    Ends with the source, or after the current frame once `stop` is set. Raises SourceError,
    OutputError and what the backend raises.
    """
    clock, done, start = _Clock(), 0, time.perf_counter()
    frames = iter(source)
    total = source.frame_count
    with report.bar("frames", total) if total else nullcontext() as bar:
        while not stop.is_set():
            with clock("read"):
                frame = next(frames, None)
            if frame is None:
                break
            draw = any(sink.draws for sink in sinks)
            result = _process(frame, source.title, region, backend, draw, clock)
            with clock("write"):
                for sink in sinks:
                    sink.write(result)
            done += 1
            if bar:
                bar.advance(note="running")
    seconds = time.perf_counter() - start
    stage_ms = {stage: 1000 * spent / max(done, 1) for stage, spent in clock.total_s.items()}
    return Summary(done, seconds, stage_ms)


def _process(
    frame: Frame, title: str, region: Region, backend: Backend, draw: bool, clock: _Clock
) -> Result:
    image = frame.image_bgr
    with clock("region"):
        boxes = region(image)
    with clock("crop"):
        crops, input_to_image = cut_crops(image, boxes)
    with clock("model"):
        xy, scores = locate(backend, crops, input_to_image)
    drawn = image
    if draw:
        with clock("draw"):
            drawn = draw_landmarks(image, xy, scores, boxes)
    ids = np.arange(len(boxes))
    objects = Objects(backend.name, ids, boxes, xy, scores, np.ones_like(scores))
    return Result(frame, title, (objects,), drawn)
