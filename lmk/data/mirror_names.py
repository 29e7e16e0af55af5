"""Which points are each other's mirror image, by their names."""

from __future__ import annotations

import re

# A word may begin after a character that is not a letter, or with a capital after a small letter.
_SIDE = re.compile(
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
    r"(?:(left|Left|LEFT|right|Right|RIGHT)(?![a-z])|([lrLR])(?=[^A-Za-z0-9]|[A-Z][a-z]|$))"
)
_FIRST_SIDE = re.compile(r"left|right|l|r", re.IGNORECASE)
_OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l"}


def mirror_partner(name: str, names: list[str]) -> str:
    """Swap left and right in a point's name; `names` are those of all points.

    Sides are recognised by `left` and `right`, or `l` and `r`, as words of the name: left_eye,
    eye-right, LShoulder; or as the beginning of two otherwise equal names: lefteye and righteye,
    leye and reye. Any other name is returned as it is.
    """
    by_word = _SIDE.sub(_opposite, name)
    if by_word != name:
        return by_word
    beginning = _FIRST_SIDE.match(name)
    by_beginning = _opposite(beginning) + name[beginning.end() :] if beginning else name
    return by_beginning if by_beginning in names else name


def _opposite(found: re.Match[str]) -> str:
    word = found.group()
    other = _OTHER_SIDE[word.lower()]
    return other.upper() if word.isupper() else other.title() if word.istitle() else other
