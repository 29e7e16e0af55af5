"""What a source reports, kept with the time it was said."""

from __future__ import annotations

import time

from lmk.system.progress import Reporter


class KeptReports(Reporter):
    def __init__(self) -> None:
        super().__init__()
        self.losses, self.returns = list[str](), list[str]()
        self.lost_at = 0.0

    def warn(self, message: str) -> None:
        self.losses.append(message)
        self.lost_at = time.perf_counter()

    def say(self, message: str) -> None:
        self.returns.append(message)
