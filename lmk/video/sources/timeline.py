"""Times of frames that always increase, even if the clock or the container jumps back."""

from __future__ import annotations

MAX_FPS = 1000.0  # streams without a rate of their own report the clock of their packets: 90000
JUMP_S = 1.0


class Timeline:
    """Turns readings in seconds into times that start at 0 and always increase.

    A reading that does not increase, or is NaN, counts as one frame at `fps` after the last; so do
    containers without timestamps. A reading that is more than a second too early means that the
    clock was set back, or that the container restarts: the times continue from there.
    """

    def __init__(self, first_s: float, fps: float | None) -> None:
        self._start_s, self._time_s = first_s, 0.0
        self._step_s = 1 / (fps or MAX_FPS)

    def time_s(self, reading_s: float) -> float:
        """Return the time of the next frame."""
        time_s = reading_s - self._start_s
        if time_s < self._time_s - JUMP_S:
            self._start_s = reading_s - self._time_s - self._step_s
        self._time_s = time_s if time_s > self._time_s else self._time_s + self._step_s
        return self._time_s
