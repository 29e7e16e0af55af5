"""How close a measured speed is to the limit of the machine.

The roofline of Williams, Waterman and Patterson, CACM 2009: operations per second are bounded by
the peak of the arithmetic, and by the bandwidth of the memory times the operations per byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lmk.bench.operations import Cost
from lmk.bench.peaks import Bandwidth, Peak


@dataclass(frozen=True)
class Roofline:
    """Shares are of 1; the peak is that of a matrix product in the same precision.

    `bound_per_s` is the lower of both limits for one picture, in operations per second, and
    `bound_by` names it; without a bandwidth only that of the arithmetic is known.
    """

    operations: int
    bytes: int
    operations_per_s: float
    peak_operations_per_s: float
    share_of_peak: float
    share_of_peak_in_batches: float
    bound_per_s: float
    bound_by: str
    share_of_bound: float


def roofline(
    cost: Cost,
    precision: str,
    fastest_ms: float,
    images_per_s: Sequence[float],
    peak: Peak,
    bandwidth: Bandwidth | None,
) -> Roofline:
    """Compare one picture's fastest inference, and the best rate in batches, with the limits.

    Fastest against fastest: both show what the machine can do without disturbance.
    """
    rate = cost.operations / (fastest_ms / 1000)
    best = max(images_per_s) * cost.operations
    moved = cost.bytes(precision)
    bound, by = peak.operations_per_s, "arithmetic"
    if bandwidth and cost.operations / moved * bandwidth.bytes_per_s < bound:
        bound, by = cost.operations / moved * bandwidth.bytes_per_s, "memory"
    return Roofline(
        cost.operations,
        moved,
        rate,
        peak.operations_per_s,
        rate / peak.operations_per_s,
        best / peak.operations_per_s,
        bound,
        by,
        rate / bound,
    )
