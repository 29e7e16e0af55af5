"""Times of frames that always increase, even if the clock or the container jumps back."""

from __future__ import annotations

import math

MIN_FPS = 0.001
MAX_FPS = 1000.0  # streams without a rate of their own report the clock of their packets: 90000
JUMP_S = 1.0
LONGEST_S = 1e11  # 3,000 years, in whatever units a container's clock counts


class Timeline:
    """Turns readings in seconds into times that start at 0, always increase and are finite.

    A reading that does not increase, or is no time at all (NaN, infinite, or thousands of years),
    counts as one frame at `fps` after the last, as a millisecond if that is None or out of 0.001 to
    1000; so do containers without timestamps. A reading that is more than a second too early means
    that the clock was set back, or that the container restarts: the times continue from there.
    """

    def __init__(self, first_s: float, fps: float | None) -> None:
        self._start_s = first_s if abs(first_s) < LONGEST_S else math.nan
        self._time_s = 0.0
        self._step_s = 1 / (fps if fps and MIN_FPS <= fps <= MAX_FPS else MAX_FPS)

    def time_s(self, reading_s: float) -> float:
        """Return the time of the next frame."""
        time_s = reading_s - self._start_s
        next_s = max(self._time_s + self._step_s, math.nextafter(self._time_s, math.inf))
        if not abs(reading_s) < LONGEST_S:
            time_s = next_s
        elif not time_s >= self._time_s - JUMP_S:  # also if the first reading was none
            self._start_s = reading_s - next_s
        self._time_s = time_s if time_s > self._time_s else next_s
        return self._time_s
