"""The loop that carries frames from sources through models to sinks."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field

import numpy as np

from lmk.arrays import Image
from lmk.inference.backends.base import Backend
from lmk.inference.crops import cut_crops
from lmk.inference.landmarker import locate
from lmk.system.errors import WeightsError
from lmk.system.progress import Bar, Reporter
from lmk.video.controls import Controls
from lmk.video.feed import Feed, Taken
from lmk.video.result import Objects, Result, no_objects
from lmk.video.sinks.base import Sink
from lmk.video.sources.base import Frame, Source
from lmk.video.stages import Stages
from lmk.video.tracking import Tracker

POLL_S = 0.05  # the longest that a window waits for its keys to be read
MODEL_FAILURES = 10  # in a row, after which the model is broken and the run ends

Draw = Callable[[Frame, Sequence[Objects], str], Image]
"""A frame, what was found in it, and its source's title, to a copy with the landmarks drawn."""


@dataclass(frozen=True, eq=False)
class Detector:
    """A model of a run, and what makes its tracker for each source."""

    name: str
    backend: Backend
    new_tracker: Callable[[], Tracker]


@dataclass(frozen=True)
class Surroundings:
    """What a run tells and asks besides its results.

    `draw` makes the picture for sinks that show one. `idle` is called between frames, and at least
    every 50 ms while none comes.
    """

    draw: Draw
    report: Reporter
    controls: Controls = field(default_factory=Controls)
    stages: Stages = field(default_factory=Stages)
    idle: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Summary:
    """What a run did: frames to the end, those without an object, those where each model failed."""

    frames: int
    empty: int
    failures: dict[str, int]
    seconds: float

    @property
    def fps(self) -> float:
        """Frames a second, end to end."""
        return self.frames / max(self.seconds, 1e-9)


def run(
    sources: Sequence[Source],
    detectors: Sequence[Detector],
    sinks: Sequence[Sink],
    around: Surroundings,
) -> Summary:
    """Find landmarks in every frame of the sources and hand them to the sinks.

    One frame of every source that has one goes through each model in one batch. Ends with the last
    source, or after the current frame once `controls.stop` is set. A source that breaks ends, and
    its error is raised when the others are through. Raises SourceError, OutputError, and
    WeightsError when a model fails again and again.
    """
    return _Run(sources, detectors, sinks, around).run()


class _Lane:
    """A source while it runs, with a tracker of each model."""

    def __init__(self, feed: Feed, detectors: Sequence[Detector]) -> None:
        self.source, self.feed = feed.source, feed
        self.trackers = [detector.new_tracker() for detector in detectors]


class _Run:
    def __init__(
        self,
        sources: Sequence[Source],
        detectors: Sequence[Detector],
        sinks: Sequence[Sink],
        around: Surroundings,
    ) -> None:
        self._sources, self._detectors, self._around = sources, detectors, around
        self._sinks, self._draws = sinks, any(sink.draws for sink in sinks)
        self._stages, self._controls = around.stages, around.controls
        self._ready = threading.Condition()
        self._empty = 0
        self._failures, self._failures_in_a_row = Counter[Detector](), Counter[Detector]()
        self._broken: list[Exception] = []

    def run(self) -> Summary:
        start = time.perf_counter()
        with ExitStack() as stack:
            lanes = [self._open(source, stack) for source in self._sources]
            bar = self._bar(stack)
            while not self._controls.stop.is_set() and not all(lane.feed.over for lane in lanes):
                taken = self._take(lanes)
                if taken:
                    self._process(taken)
                    if bar:
                        bar.advance(len(taken), note="running")
                self._tell_broken(lanes)
                self._around.idle()
        self._tell_broken(lanes)  # one may have broken since the last look
        if self._broken:
            raise self._broken[0]
        seconds = time.perf_counter() - start
        failures = {detector.name: count for detector, count in self._failures.items()}
        return Summary(self._stages.frames, self._empty, failures, seconds)

    def _open(self, source: Source, stack: ExitStack) -> _Lane:
        feed = Feed(source, self._stages, self._ready)
        stack.callback(feed.close)
        return _Lane(feed, self._detectors)

    def _bar(self, stack: ExitStack) -> Bar | None:
        counts = [source.frame_count for source in self._sources]
        if not all(counts):
            return None
        total = sum(count or 0 for count in counts)
        return stack.enter_context(self._around.report.bar("frames", total))

    def _take(self, lanes: Sequence[_Lane]) -> list[tuple[_Lane, Taken]]:
        """At most one frame of every source, so that none waits for another."""

        def news() -> bool:
            return any(lane.feed.waiting for lane in lanes) or all(lane.feed.over for lane in lanes)

        if not self._controls.may_go_on():
            time.sleep(POLL_S)
            return []
        with self._ready:
            self._ready.wait_for(news, POLL_S)
            return [(lane, lane.feed.take()) for lane in lanes if lane.feed.waiting]

    def _process(self, taken: Sequence[tuple[_Lane, Taken]]) -> None:
        found: list[list[Objects]] = [[] for _ in taken]
        for number, detector in enumerate(self._detectors):
            trackers = [lane.trackers[number] for lane, _ in taken]
            frames = [one for _, one in taken]
            for objects, more in zip(found, self._detect(detector, trackers, frames), strict=True):
                objects.append(more)
        for (lane, one), objects in zip(taken, found, strict=True):
            self._finish(lane, one, tuple(objects))

    def _detect(
        self, detector: Detector, trackers: Sequence[Tracker], taken: Sequence[Taken]
    ) -> list[Objects]:
        """One model's objects in a frame of each source, all in one batch."""
        frames = [one.frame for one in taken]
        with self._stages.time("region"):
            boxes = [
                tracker.look(frame.image_bgr, frame.time_s)
                for tracker, frame in zip(trackers, frames, strict=True)
            ]
        with self._stages.time("crop"):
            cuts = [
                cut_crops(frame.image_bgr, box, detector.backend.input_size)
                for frame, box in zip(frames, boxes, strict=True)
            ]
            crops, input_to_image = (np.concatenate(parts) for parts in zip(*cuts, strict=True))
        try:
            with self._stages.time("model") if len(crops) else nullcontext():
                xy, scores = locate(detector.backend, crops, input_to_image)
            self._failures_in_a_row[detector] = 0
        except Exception as error:  # a runtime may raise anything, and one bad frame is no end
            self._survive(error, detector, len(frames))
            return [no_objects(detector.name, detector.backend.num_landmarks) for _ in frames]
        with self._stages.time("follow"):
            ends = np.cumsum([len(box) for box in boxes])[:-1]
            rows = zip(np.split(xy, ends), np.split(scores, ends), strict=True)
            smooth = self._controls.filtering
            return [
                tracker.update(frame.time_s, xy_one, scores_one, smooth)
                for tracker, frame, (xy_one, scores_one) in zip(trackers, frames, rows, strict=True)
            ]

    def _survive(self, error: Exception, detector: Detector, frames: int) -> None:
        """Count a model's failure; raise it when it is one too many."""
        self._failures_in_a_row[detector] += 1
        if self._failures_in_a_row[detector] >= MODEL_FAILURES:
            raise WeightsError(
                f"{detector.name} failed {MODEL_FAILURES} times in a row, the last time with: "
                f"{error}. Choose another --runtime or --device"
            ) from error
        if not self._failures[detector]:
            self._around.report.warn(f"{detector.name} failed on a frame, and goes on: {error}")
        self._failures[detector] += frames

    def _tell_broken(self, lanes: Sequence[_Lane]) -> None:
        """Keep the errors that ended sources; of several sources, say so at once."""
        for error in (lane.feed.error for lane in lanes):
            if error and error not in self._broken:
                self._broken.append(error)
                if len(lanes) > 1:
                    self._around.report.warn(str(error))

    def _finish(self, lane: _Lane, taken: Taken, objects: tuple[Objects, ...]) -> None:
        frame, title, drawn = taken.frame, lane.source.title, taken.frame.image_bgr
        self._empty += not any(len(found.ids) for found in objects)
        if self._draws:
            with self._stages.time("draw"):
                drawn = self._around.draw(frame, objects, title)
        result = Result(frame, title, objects, drawn)
        with self._stages.time("write"):
            for sink in self._sinks:
                sink.write(result)
        if lane.source.live:
            self._stages.add("age", 1000 * (time.monotonic() - taken.read_s))
        self._stages.done()
