"""The batch sizes of an exported file."""

from __future__ import annotations

from dataclasses import dataclass

from lmk.system.errors import UsageError


@dataclass(frozen=True)
class BatchRange:
    """Smallest, usual and largest batch; `max` None means any size.

    An engine is built for a range and tuned for the usual size; other formats support only one
    fixed size or any size.
    """

    min: int = 1
    opt: int = 1
    max: int | None = None

    @property
    def fixed(self) -> int | None:
        """The fixed size, or None if it varies."""
        return self.max if self.min == self.max else None


def parse_batch(text: str) -> BatchRange:
    """Read "dynamic", "N" or "MIN:OPT:MAX". Raises UsageError."""
    if text == "dynamic":
        return BatchRange()
    parts = text.split(":")
    sizes = [int(part) for part in parts if part.isdecimal() and int(part)]
    if len(sizes) != len(parts) or len(sizes) not in (1, 3) or sizes != sorted(sizes):
        raise UsageError(
            f"expected --batch dynamic, a number, or MIN:OPT:MAX such as 1:1:8, got {text}"
        )
    return BatchRange(sizes[0], sizes[len(sizes) // 2], sizes[-1])
