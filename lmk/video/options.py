"""Options of `lmk run` and `lmk.track`: how objects are found and tracked."""

from __future__ import annotations

from dataclasses import dataclass, field

from lmk.video.filters.base import Smoothing


@dataclass(frozen=True)
class TrackOptions:
    """Options of every model of a run.

    region: where objects are searched for, as in `lmk run --region`; by default by the model's own
    detector, or by its landmarks, or else in the centred square. search_s: seconds between two
    searches while objects are tracked. smoothing: None for no smoothing; pictures are never
    smoothed. runtime, device: see `open_backend`.
    """

    region: str = ""
    search_s: float = 2.0
    smoothing: Smoothing | None = field(default_factory=Smoothing)
    runtime: str = "auto"
    device: str | None = None
