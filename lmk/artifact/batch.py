"""The batch sizes of an exported file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from lmk.system.errors import UsageError

MOST = 1 << 16
BatchSize = Annotated[int, Meta(ge=1, le=MOST)]


@dataclass(frozen=True)
class BatchRange:
    """Smallest, usual and largest batch; `max` None means any size.

    An engine is built for a range and tuned for the usual size; other formats support only one
    fixed size or any size.
    """

    min: BatchSize = 1
    opt: BatchSize = 1
    max: BatchSize | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that are not in order."""
        if not self.min <= self.opt <= (self.max or self.opt):
            raise ValueError("batch: expected min <= opt <= max")

    @property
    def fixed(self) -> int | None:
        """The fixed size, or None if it varies."""
        return self.max if self.min == self.max else None


def parse_batch(text: str) -> BatchRange:
    """Read "dynamic", "N" or "MIN:OPT:MAX". Raises UsageError."""
    if text == "dynamic":
        return BatchRange()
    parts = text.split(":")
    sizes = [int(part) for part in parts if part.isdecimal() and 1 <= int(part) <= MOST]
    if len(sizes) != len(parts) or len(sizes) not in (1, 3) or sizes != sorted(sizes):
        raise UsageError(
            f"expected --batch dynamic, a number up to {MOST}, or MIN:OPT:MAX such as 1:1:8, got "
            f"{text}"
        )
    return BatchRange(sizes[0], sizes[len(sizes) // 2], sizes[-1])
