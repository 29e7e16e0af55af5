"""What every source of frames offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lmk.arrays import Image


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source: uint8 BGR (H, W, 3), and its time since the first frame.

    A picture file has time 0 and carries its path below the source's folder as `name`.
    """

    index: int
    time_s: float
    image_bgr: Image
    name: str = ""


class Source(ABC):
    """Frames in order.

    title: what messages and results call it; never with a password in it. fps: frames a second,
    None where there is none or it is not known. size_wh: of the first frame; later ones may differ.
    live: cameras, streams and pipes, whose time is the clock's. still: pictures, which have no
    time. frame_count: what the container claims, None where nobody knows. dropped: frames that
    could not be given, by cause; the reading thread counts, others may look.
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
        """Give the frames, once, with times that always grow. Raises SourceError."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file, camera or connection.

        Any thread may call it at any time: the iteration then ends, at the latest when a read
        that waits gives up.
        """

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
