"""One line of `lmk doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "absent", "broken"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and the command that mends it if it is not good.

    "absent" is something that lmk can do without, "broken" something that is wrong. `essential`
    findings must be good for `lmk run webcam`.
    """

    subject: str
    found: str
    state: State = "good"
    remedy: str = ""
    essential: bool = False

    @property
    def stops(self) -> bool:
        """Whether `lmk run webcam` cannot work because of this."""
        return self.essential and self.state != "good"
