"""The interface of the sources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lmk.arrays import Image


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source: uint8 BGR (H, W, 3), and its time since the first frame.

    A picture file has time 0; its `name` is its path below the source's folder.
    """

    index: int
    time_s: float
    image_bgr: Image
    name: str = ""


class Source(ABC):
    """Frames in order.

    title: its name in messages and results; never contains a password. fps: frames per second, None
    if there is none or it is unknown. size_wh: of the first frame; later ones may differ. live:
    whether it is a camera, stream or pipe, with the time of the clock. still: whether it is
    pictures, without time. frame_count: as the container states, None if unknown. dropped: frames
    that could not be read, by cause; written by the reading thread, read by any thread.
    """

    title: str
    fps: float | None
    size_wh: tuple[int, int]
    live: bool
    still: bool
    frame_count: int | None
    dropped: Counter[str]

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames, once, with times that always increase. Raises SourceError."""

    @abstractmethod
    def close(self) -> None:
        """Release the file, camera or connection.

        Any thread may call it at any time. The iteration then ends, at the latest when a waiting
        read times out.
        """

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
