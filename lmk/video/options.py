"""Options of `lmk run` and `lmk.track`: how objects are found and tracked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lmk.inference.regions.landmarks import Finding
from lmk.video.filters.base import Smoothing
from lmk.video.sources.base import Source

CAMERA_FPS = 30.0  # of a source that does not say


@dataclass(frozen=True)
class TrackOptions:
    """Options of every model of a run.

    region: where objects are searched for, as in `lmk run --region`; by default by the model's own
    detector, or by its landmarks, or else in the centred square. search_s: seconds between two
    searches while objects are tracked. smoothing: None for no smoothing; pictures are never
    smoothed. runtime, device: see `open_backend`. search_ms: the longest that a search by landmarks
    takes of one frame while objects are tracked; by default that of a frame of a camera or stream,
    and as long as it takes in files. finding: what a search by landmarks looks for.
    require_signature: a public key, NAME.pub, that must have signed every model.
    """

    region: str = ""
    search_s: float = 2.0
    smoothing: Smoothing | None = field(default_factory=Smoothing)
    runtime: str = "auto"
    device: str | None = None
    search_ms: float | None = None
    finding: Finding = field(default_factory=Finding)
    require_signature: str | os.PathLike[str] | None = None

    def for_sources(self, sources: Sequence[Source]) -> TrackOptions:
        """These options, with the default of search_ms for the sources of a run."""
        rates = [source.fps or CAMERA_FPS for source in sources if source.live]
        if self.search_ms is not None or not rates:
            return self
        return replace(self, search_ms=1000 / (max(rates) * len(sources)))
