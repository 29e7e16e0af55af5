"""How a run finds and follows objects, as `lmk run` and `lmk.track` are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from lmk.video.filters.base import Smoothing


@dataclass(frozen=True)
class TrackOptions:
    """Options of every model of a run.

    region: where objects are looked for, in the words of `lmk run --region`; by default where the
    model's own finder finds them, or else in the centred square. search_s: seconds between two
    searches while objects are followed. smoothing: None leaves landmarks as they are found;
    pictures are never smoothed. runtime, device: see `open_backend`.
    """

    region: str = ""
    search_s: float = 2.0
    smoothing: Smoothing | None = field(default_factory=Smoothing)
    runtime: str = "auto"
    device: str | None = None
