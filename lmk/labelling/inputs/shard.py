"""A shard: the inputs whose results are one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from lmk.arrays import Image

Kind = Literal["pictures", "table", "tar", "video"]


@dataclass(frozen=True)
class Shard:
    """Some inputs of a source, in order.

    kind: "pictures", files; "table", rows of a Parquet file; "tar", the pictures of a tar; "video",
    its frames. folder: the address below which `names` are: of pictures several, else one. first:
    the number of the first input in the source, in the table, or else 0. groups: the row groups of
    a table, from the first up to the one after the last; None for all.
    """

    kind: Kind
    folder: str
    names: tuple[str, ...]
    first: int = 0
    groups: tuple[int, int] | None = None

    def to_json(self) -> str:
        """One line; the same for the same inputs."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def part(self) -> str:
        """The name of the file of its results, by the hash of what it is."""
        return f"part-{hashlib.sha256(self.to_json().encode()).hexdigest()[:32]}.parquet"


class Input(NamedTuple):
    """One picture or frame.

    number: in its source, table, tar or video. time_s: of a frame, since the first one; else 0.
    name: of a picture, else empty. load: gives its pixels, uint8 BGR (H, W, 3), upright; raises
    DataError.
    """

    number: int
    time_s: float
    name: str
    load: Callable[[], Image]


def refused(number: int, name: str, error: Exception) -> Input:
    """An input that cannot be used, for this reason."""

    def load() -> Image:
        raise error

    return Input(number, 0.0, name, load)
