"""Names of files that are made from pictures."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60  # characters, of at most 4 bytes each: file systems allow 255 bytes


class Names:
    """Gives each picture a name for the files that are made from it: safe, and none twice.

    Only letters, digits, `.`, `-` and `_` are kept, so that the name is one file's on every system.
    Two names differ in more than case.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, picture: str) -> str:
        """The name for a picture, from its path below its folder, without its suffix."""
        stem = re.sub(r"\.[^./]*$", "", unicodedata.normalize("NFKC", picture))
        safe = re.sub(r"[^\w.-]+", "_", stem)[-LONGEST:].lstrip(".-_") or "picture"
        name, number = safe, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{safe}~{number}"
        self._taken.add(name.casefold())
        return name
