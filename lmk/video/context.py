"""What all parts of one run share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.stages import Stages


@dataclass(frozen=True)
class RunContext:
    """Messages, controls and measurements of a run.

    report: receives messages about lost sources and failing models. controls: stop, pause, smooth.
    stages: time per stage. failures: number of frames on which each model failed, by its name.
    idle: is called between frames, and at least every 50 ms while no frame arrives.
    """

    report: Reporter
    controls: Controls = field(default_factory=Controls)
    stages: Stages = field(default_factory=Stages)
    failures: Counter[str] = field(default_factory=Counter)
    idle: Callable[[], object] = lambda: None
