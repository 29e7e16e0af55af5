"""Kinds of damage to JSON, to bytes and to files, each drawn from a random generator."""

from __future__ import annotations

import copy
import json
import math
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Change = Callable[[random.Random, Path], None]
NUMBERS = [0, -1, 1, 2, 3, 5, 16, 127, 255, 1 << 20, 2**31 - 1]

# Values that no field expects, or only some.
NASTY: list[Any] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2**31,
    2**63,
    -(2**64),
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e308,
    math.nan,
    math.inf,
    -math.inf,
    "",
    " ",
    ".",
    "..",
    "../../escaped",
    "/dev/zero",
    "/absolute",
    "C:\\windows",
    "a/b",
    "a\0b",
    "\ud800",
    "\x1b[2J\n",
    "‮name",
    "name\n",
    "1",
    "NaN",
    "x" * 100_000,
    [],
    {},
    [[]],
    [1, 2],
    ["a", None],
    {"a": {"b": 1}},
    {"sha256": 3},
    list(range(5000)),
]


def places(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every entry within parsed JSON, by names and indices."""
    entries: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    for step, entry in entries:
        yield (*where, step)
        yield from places(entry, (*where, step))


def change_json(random: random.Random, content: Any) -> Any:
    """Change one to three entries of parsed JSON."""
    changed = copy.deepcopy(content)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        found = list(places(changed))
        if not found:
            return random.choice(NASTY)
        *outer, last = random.choice(found)
        parent = changed
        for step in outer:
            parent = parent[step]
        _change_entry(random, parent, last)
    return changed


def _change_entry(random: random.Random, parent: Any, step: Any) -> None:
    value = parent[step]
    kind = random.choice(["value", "value", "value", "drop", "add", "type", "repeat", "deep"])
    if kind == "drop":
        del parent[step]
    elif kind == "add" and isinstance(parent, dict):
        parent[random.choice(["unknown", "", "\ud800", "../x", "x" * 3000])] = value
    elif kind == "type":
        parent[step] = str(value) if isinstance(value, (int, float)) else [value]
    elif kind == "repeat" and isinstance(parent, list):
        parent.extend([value] * random.choice([1, 2, 1000]))
    elif kind == "deep":
        for _ in range(random.choice([3, 70, 300])):
            value = [value]
        parent[step] = value
    else:
        parent[step] = random.choice(NASTY)


def change_object(random: random.Random, thing: Any) -> None:
    """Put another value into an object, into one that it has, or into an array of it."""
    inner = [name for name, value in vars(thing).items() if value is not None]
    if not inner:
        return
    name = random.choice(inner)
    value = getattr(thing, name)
    if isinstance(value, np.ndarray) and value.size:
        changed, at = value.copy(), random.randrange(value.size)
        with np.errstate(all="ignore"):
            changed[at] = np.array(random.choice(NUMBERS)).astype(value.dtype)
        setattr(thing, name, changed[: random.choice([value.size, value.size, at])])
    elif isinstance(value, list) and value:
        at = random.randrange(len(value))
        if isinstance(value[at], int):
            value[at] = random.choice([*NUMBERS, *value])
        elif random.random() < 0.5:
            del value[at]
        else:
            value.append(value[at])
    elif isinstance(value, (bool, int, float)):
        setattr(thing, name, random.choice(NUMBERS))
    elif hasattr(value, "__dict__"):
        change_object(random, value)


def change_text(random: random.Random, text: str) -> bytes:
    """Break a text file as a text: its brackets, encoding, repeated names or end."""
    at = random.randrange(len(text) + 1)
    kinds: list[Callable[[], bytes]] = [
        lambda: text[:at].encode(),
        lambda: (text[:at] + "[" * 100_000 + text[at:]).encode(),
        lambda: ('{"a":' * 100_000).encode(),
        lambda: text.encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + text.encode(),
        lambda: text.encode()[:at] + b"\xff\xfe\xe9" + text.encode()[at:],
        lambda: text.replace("{", '{"name": 1, "name": [2],', 1).encode(),
        lambda: (text + text).encode(),
        lambda: text.replace("0", "1" * 5000, 1).encode(),
        lambda: text.replace('"', "'").encode(),
        lambda: b"\0" * len(text),
        lambda: b"",
    ]
    return random.choice(kinds)()


def change_bytes(random: random.Random, data: bytes) -> bytes:
    """Break a binary file: flipped bits, wrong lengths, cuts; most often near its beginning."""
    if not data:
        return b"\0"
    broken = bytearray(data)
    reach = random.choice([16, 128, 1024, len(data)])
    at = random.randrange(min(reach, len(data)))
    kind = random.choice(["flip", "flip", "number", "cut", "insert", "remove", "zero", "end"])
    if kind == "flip":
        for _ in range(random.choice([1, 2, 20])):
            broken[random.randrange(min(reach, len(data)))] ^= 1 << random.randrange(8)
    elif kind == "number":
        size = random.choice([2, 4, 8])
        value = random.choice([0, 1, 255, 2 ** (8 * size - 1), 2 ** (8 * size) - 1, 1 << 20])
        order = random.choice(["little", "big"])
        broken[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, order)
    elif kind == "cut":
        del broken[at:]
    elif kind == "insert":
        broken[at:at] = random.randbytes(random.choice([1, 8, 4096]))
    elif kind == "remove":
        del broken[at : at + random.choice([1, 8, 4096])]
    elif kind == "zero":
        broken[at : at + 64] = bytes(len(broken[at : at + 64]))
    else:
        broken += random.randbytes(random.choice([1, 4096]))
    return bytes(broken)


def change_file(random: random.Random, path: Path) -> None:
    """Put something else in a file's place."""
    path.unlink()
    kind = random.choice(["pipe", "folder", "zero", "random", "loop", "sparse", "empty", "none"])
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind in ("zero", "random"):
        path.symlink_to("/dev/zero" if kind == "zero" else "/dev/urandom")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "sparse":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    elif kind == "empty":
        path.touch()


def in_json(change: Callable[[random.Random, Any], Any]) -> Change:
    """A change of parsed JSON, as a change of the file that holds it."""

    def apply(random: random.Random, path: Path) -> None:
        content = change(random, json.loads(path.read_text()))
        path.write_bytes(json.dumps(content).encode("utf-8", "surrogatepass"))

    return apply


def of_json(random: random.Random, path: Path) -> None:
    """Damage a JSON file in any way."""
    kind = random.random()
    if kind < 0.8:
        in_json(change_json)(random, path)
    elif kind < 0.93:
        path.write_bytes(change_text(random, path.read_text()))
    else:
        change_file(random, path)


def of_bytes(random: random.Random, path: Path) -> None:
    """Damage a binary file in any way."""
    if random.random() < 0.93:
        path.write_bytes(change_bytes(random, path.read_bytes()))
    else:
        change_file(random, path)
