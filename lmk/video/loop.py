"""The loop that processes the frames of the sources with the models."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack

from lmk.video.context import RunContext
from lmk.video.controls import Controls
from lmk.video.feed import Feed, ReadFrame
from lmk.video.result import Result
from lmk.video.run_model import ModelStep, RunModel
from lmk.video.sources.base import Source

POLL_S = 0.05  # the longest that a window waits for its keys to be read


def track_frames(
    sources: Sequence[Source], models: Sequence[RunModel], context: RunContext
) -> Generator[Result, None, None]:
    """Yield every frame of the sources with the objects that the models found in it.

    Each model processes one frame of every source that has one in one batch. Ends with the last
    source, or after the current frames once `controls.stop` is set. A source that fails ends; its
    error is raised after the end of the others. A frame counts as done when the next one is
    requested. Closing the generator closes the sources and ends their threads. Raises SourceError,
    and WeightsError when a model fails repeatedly.
    """
    stages, controls, ready = context.stages, context.controls, threading.Condition()
    broken: list[Exception] = []
    with ExitStack() as stack:
        feeds = [_start(Feed(source, stages, ready), stack) for source in sources]
        steps = [ModelStep(model, len(feeds), context) for model in models]
        while not controls.stop.is_set() and not all(feed.over for feed in feeds):
            read = _take(feeds, ready, controls)
            frames = {source: one.frame for source, one in read.items()}
            found = [step(frames) for step in steps if frames]
            for (number, one), objects in zip(read.items(), zip(*found, strict=True), strict=True):
                source = sources[number]
                yield Result(one.frame, source.title, objects, one.frame.image_bgr)
                if source.live:
                    stages.add("age", 1000 * (time.monotonic() - one.read_s))
                stages.done()
            _tell_broken(feeds, broken, context)
            context.idle()
    _tell_broken(feeds, broken, context)  # one may have broken since the last look
    if broken:
        raise broken[0]


def _start(feed: Feed, stack: ExitStack) -> Feed:
    stack.callback(feed.close)
    return feed


def _take(
    feeds: Sequence[Feed], ready: threading.Condition, controls: Controls
) -> dict[int, ReadFrame]:
    """At most one frame per source, by its number, so that no source waits for another."""

    def news() -> bool:
        return any(feed.waiting for feed in feeds) or all(feed.over for feed in feeds)

    if not controls.may_go_on():
        time.sleep(POLL_S)
        return {}
    with ready:
        ready.wait_for(news, POLL_S)
        return {number: feed.take() for number, feed in enumerate(feeds) if feed.waiting}


def _tell_broken(feeds: Sequence[Feed], broken: list[Exception], context: RunContext) -> None:
    """Keep the errors that ended sources; with several sources, report them at once."""
    for error in (feed.error for feed in feeds):
        if error and error not in broken:
            broken.append(error)
            if len(feeds) > 1:
                context.report.warn(str(error))
