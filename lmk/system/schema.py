"""Read untrusted JSON strictly as the dataclass that describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

Content = TypeVar("Content")

MISSING = re.compile("Object missing required field `(.+)`")
EXPECTED = re.compile("Expected (.+?)(?:, got .+)?")
TOO_DEEP = "its brackets are nested too deeply"
ANY_NAME = "..."  # how msgspec writes a name within dict[str, ...]
SHOWN = 60  # characters of a wrong value


class SchemaError(ValueError):
    """A value that does not match; `problems` has one line per problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def parse_json(text: str) -> Any:
    """Parse JSON. Raises ValueError, also for brackets nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def read_as(kind: type[Content], value: Any, more: bool = False) -> Content:
    """Build a dataclass, and the dataclasses in it, from parsed JSON. Raises SchemaError.

    Types are exact, except that a float may be written as an integer. Unknown names are refused,
    or ignored if there may be `more`. All unknown names are reported, but only the first wrong
    type.
    """
    import msgspec  # some milliseconds, which not every start of lmk should wait for

    try:
        content = msgspec.convert(value, kind)
        unknown = [] if more else list(_unknown(value, msgspec.to_builtins(content), ""))
    except msgspec.ValidationError as error:
        raise SchemaError([_in_words(str(error), value)]) from error
    except RecursionError as error:
        raise SchemaError([TOO_DEEP]) from error
    if unknown:
        raise SchemaError([f"{name} is unknown" for name in unknown])
    return content


def _unknown(value: Any, known: Any, where: str) -> Iterator[str]:
    """Names in a value that the dataclass does not have, with their place."""
    if isinstance(value, dict):
        for name, entry in value.items():
            inner = f"{where}.{name}" if where else name
            if name in known:
                yield from _unknown(entry, known[name], inner)
            else:
                yield inner
    elif isinstance(value, list):
        for index, (entry, taken) in enumerate(zip(value, known, strict=True)):
            yield from _unknown(entry, taken, f"{where}[{index}]")


def _in_words(message: str, value: Any) -> str:
    what, _, place = message.partition(" - at `$")
    where = place.removesuffix("`").removeprefix(".")
    if missing := MISSING.fullmatch(what):
        return f"{where}.{missing[1]} is missing".removeprefix(".")
    said = f"{where or 'it'} is {_shown(_at(value, where))}"
    expected = EXPECTED.fullmatch(what)
    return f"{said}, expected {expected[1].replace('`', '')}" if expected else f"{said}: {what}"


def _shown(value: Any) -> str:
    """The beginning of a value as JSON; not more is written, however large or deep it is."""
    return "".join(islice(json.JSONEncoder().iterencode(value), SHOWN))[:SHOWN]


def _at(value: Any, where: str) -> Any:
    """The part of a value at a place such as `points[0].xy`, or the dict that contains it."""
    for step in re.findall(r"\w+|\.{3}", where):
        if step == ANY_NAME:
            break
        value = value[int(step) if isinstance(value, list) else step]
    return value
