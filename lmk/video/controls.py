"""Controls of a run while it is running."""

from __future__ import annotations

import threading


class Controls:
    """Switches of a run, safe to use from any thread.

    `stop` ends the run after the current frame. `filtering` smooths landmarks over time.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()
        self.filtering = True
        self._running = threading.Event()
        self._running.set()
        self._steps = threading.Semaphore(0)

    @property
    def paused(self) -> bool:
        """Whether the run is paused."""
        return not self._running.is_set()

    def toggle_pause(self) -> None:
        """Pause, or continue."""
        if self.paused:
            self._running.set()
        else:
            self._running.clear()

    def step(self) -> None:
        """Pause after one more frame."""
        self._running.clear()
        self._steps.release()

    def may_go_on(self) -> bool:
        """Whether the next frame may be processed; while paused, uses up a step."""
        return not self.paused or self._steps.acquire(blocking=False)
