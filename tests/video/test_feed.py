from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from made_sources import Made

from lmk.system.errors import SourceError
from lmk.video.feed import AHEAD, Feed
from lmk.video.sources.base import Frame
from lmk.video.stages import Stages


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert true()


def take_all(feed: Feed, ready: threading.Condition) -> list[int]:
    found = []
    while not feed.over:
        with ready:
            ready.wait_for(lambda: feed.waiting or feed.over, 5)
            if feed.waiting:
                found.append(feed.take().frame.index)
    return found


def test_a_file_loses_no_frame_and_is_read_only_a_little_ahead() -> None:
    ready, stages, source = threading.Condition(), Stages(), Made(9)
    feed = Feed(source, stages, ready)
    wait_until(lambda: source.given == AHEAD + 1)  # one more is in the reader's hand
    time.sleep(0.05)
    assert source.given == AHEAD + 1
    assert take_all(feed, ready) == list(range(9))
    assert not stages.dropped
    feed.close()
    assert source.closed


def test_a_live_source_gives_its_newest_frame_and_counts_the_others() -> None:
    ready, stages, source = threading.Condition(), Stages(), Made(30, live=True)
    feed = Feed(source, stages, ready)
    wait_until(lambda: stages.dropped["replaced by a newer frame"] == 29)
    assert take_all(feed, ready) == [29]
    feed.close()


class Dropping(Made):
    """Drops frames before some of those that it gives, and before its end."""

    def __iter__(self) -> Iterator[Frame]:
        self.dropped["damaged"] += 2
        for frame in super().__iter__():
            yield frame
            self.dropped["damaged"] += frame.index % 2
            self.dropped["truncated"] += frame.index == self.count - 1


def test_what_a_source_drops_is_known_as_soon_as_its_next_frame() -> None:
    ready, stages, source = threading.Condition(), Stages(), Dropping(9)
    feed = Feed(source, stages, ready)
    for given, damaged in ((AHEAD + 1, 3), (AHEAD + 2, 3), (AHEAD + 3, 4)):
        wait_until(lambda given=given: source.given == given)
        wait_until(lambda damaged=damaged: stages.dropped == {"damaged": damaged})
        with ready:
            feed.take()
    take_all(feed, ready)
    assert stages.dropped == {"damaged": 2 + 4, "truncated": 1}
    feed.close()


def test_an_error_ends_the_feed_after_the_frames_before_it() -> None:
    ready = threading.Condition()
    feed = Feed(Made(9, break_at=4), Stages(), ready)
    assert take_all(feed, ready) == [0, 1, 2, 3]
    assert isinstance(feed.error, SourceError)
    feed.close()


def test_closing_ends_a_reader_that_waits_for_room() -> None:
    ready, source = threading.Condition(), Made(1000)
    feed = Feed(source, Stages(), ready)
    wait_until(lambda: source.given == AHEAD + 1)
    start = time.monotonic()
    feed.close()
    assert time.monotonic() - start < 1
    assert not feed._thread.is_alive()
    assert source.given <= AHEAD + 2


def test_age_counts_from_the_moment_of_reading() -> None:
    ready = threading.Condition()
    before = time.monotonic()
    feed = Feed(Made(1), Stages(), ready)
    wait_until(lambda: feed.waiting)
    with ready:
        taken = feed.take()
    assert before <= taken.read_s <= time.monotonic()
    np.testing.assert_array_equal(taken.frame.image_bgr, 50)
    feed.close()
