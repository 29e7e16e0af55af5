"""One line of `lmk doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "absent", "broken"]


@dataclass(frozen=True)
class Finding:
    """What was checked, the result, and the command that repairs it if it is not good.

    "absent" is something optional, "broken" something that does not work. `essential` findings must
    be good for `lmk run webcam`.
    """

    subject: str
    found: str
    state: State = "good"
    remedy: str = ""
    essential: bool = False

    @property
    def stops(self) -> bool:
        """Whether this prevents `lmk run webcam`."""
        return self.essential and self.state != "good"
