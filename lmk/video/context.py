"""What the parts of one run share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.stages import Stages


@dataclass(frozen=True)
class RunContext:
    """What a run tells, and what it is told, besides its results.

    report: hears of sources that are lost and of models that fail. controls: stop, pause, smooth.
    stages: where the time goes. failures: on how many frames each model failed, by its name.
    idle: is called between frames, and at least every 50 ms while none comes.
    """

    report: Reporter
    controls: Controls = field(default_factory=Controls)
    stages: Stages = field(default_factory=Stages)
    failures: Counter[str] = field(default_factory=Counter)
    idle: Callable[[], object] = lambda: None
