"""Read untrusted JSON strictly as the dataclass that describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

NAME = r"\A(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}\Z"
FILE_NAME = r"\A(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,128}\Z"
HASH = r"\A[0-9a-f]{64}\Z"
SIGNATURE = r"\Almk-ed25519 [0-9a-f]{64} [0-9a-f]{128}\Z"
FINDER = r"\A(center|landmarks|cascade:[a-z]{1,32})\Z"
WORDS = {
    FINDER: "center, landmarks or cascade:NAME",
    NAME: "a name of 1 to 64 letters of A-Z and a-z, digits, '.', '_' and '-'",
    FILE_NAME: "a file's name of letters of A-Z and a-z, digits, '.', '_' and '-'",
    HASH: "a SHA-256 of 64 hexadecimal digits",
    SIGNATURE: "lmk-ed25519, a public key and a signature, in hexadecimal digits",
}

Name = Annotated[str, Meta(pattern=NAME)]
"""A name that is also one of a file or folder, and never a path."""
FileName = Annotated[str, Meta(pattern=FILE_NAME)]
"""A name of a file that lmk wrote: a `Name`, a word and a suffix."""
Sha256 = Annotated[str, Meta(pattern=HASH)]
Signature = Annotated[str, Meta(pattern=SIGNATURE)]
"""A signature by Ed25519 with the public key that it names, see `system/signing.py`."""
Number = Annotated[float, Meta(ge=-1e9, le=1e9)]
"""A finite number."""
Share = Annotated[float, Meta(ge=0, le=1)]
PictureSide = Annotated[int, Meta(ge=1, le=4096)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]

Content = TypeVar("Content")

MISSING = re.compile("Object missing required field `(.+)`")
EXPECTED = re.compile("Expected (.+?)(?:, got .+)?")
MOST_SAID = 8  # problems in one message
DEEPEST = 64  # brackets within brackets; lmk itself writes some ten
TOO_DEEP = "its brackets are nested too deeply"
ANY_NAME = "..."  # how msgspec writes a name within dict[str, ...]
SHOWN = 60  # characters of a wrong value


class SchemaError(ValueError):
    """A value that does not match; `problems` has one line per problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems[:MOST_SAID]))
        self.problems = problems


def name_from(text: str) -> str:
    """Make a `Name` of any text, such as that of a folder: "my cats" to "my-cats"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:64].strip(".-") or "model"


def parse_json(text: str, repeated: bool = False) -> Any:
    """Parse JSON. Raises ValueError, also for brackets nested too deeply.

    So does a name that an object has twice, unless `repeated` takes the last one, which is faster.
    """
    try:
        return json.loads(text, object_pairs_hook=None if repeated else _without_repeated)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def _without_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{ascii(twice)[:60]} is there twice")
    return found


def read_as(kind: type[Content], value: Any, more: bool = False) -> Content:
    """Build a dataclass, and the dataclasses in it, from parsed JSON. Raises SchemaError.

    Types are exact, except that a float may be written as an integer; a field's `Meta` limits its
    values. Unknown names are refused, or ignored if there may be `more`. All unknown names are
    reported, but only the first wrong type.
    """
    try:
        content = msgspec.convert(value, kind)
        problems = [] if more else list(_problems(value, msgspec.to_builtins(content), "", 0))
    except msgspec.ValidationError as error:
        raise SchemaError([_in_words(str(error), value)]) from error
    except RecursionError as error:
        raise SchemaError([TOO_DEEP]) from error
    if problems:
        raise SchemaError(problems)
    return content


def _problems(value: Any, known: Any, where: str, depth: int) -> Iterator[str]:
    """Names in a value that the dataclass does not have, and what no file can hold."""
    if depth > DEEPEST:
        raise SchemaError([f"{where[:60]}...: {TOO_DEEP}"])
    if isinstance(value, dict):
        for name, entry in value.items():
            inner = f"{where}.{name}" if where else name
            if name not in known:
                yield f"{inner[:200]} is unknown"
            elif not _is_unicode(name):
                yield f"{ascii(inner)[1:200]}: expected Unicode"
            else:
                yield from _problems(entry, known[name], inner, depth + 1)
    elif isinstance(value, list):
        for index, (entry, taken) in enumerate(zip(value, known, strict=True)):
            yield from _problems(entry, taken, f"{where}[{index}]", depth + 1)
    elif isinstance(value, str) and not _is_unicode(value):
        yield f"{where} is {ascii(value)[:60]}, expected Unicode"


def _is_unicode(text: str) -> bool:
    """Whether a text can be written: JSON's escapes can say half a pair, as \\ud800."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_words(message: str, value: Any) -> str:
    what, _, place = message.replace("`key` in ", "").partition(" - at `$")
    where = place.removesuffix("`").removeprefix(".")
    if missing := MISSING.fullmatch(what):
        return f"{where}.{missing[1]} is missing".removeprefix(".")
    said = f"{where or 'it'} is {_shown(_at(value, where))}"
    for pattern, words in WORDS.items():
        if repr(pattern) in what:  # as msgspec writes it
            return f"{said}, expected {words}"
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
