"""The content of a packed set's index.json."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from lmk.data.read_file import read_text
from lmk.system.errors import DataError
from lmk.system.schema import HASH, parse_json, read_as

FORMAT = 1
SIZES_PX = range(16, 4097)
ShortText = Annotated[str, Meta(max_length=5000)]  # a path has at most 4,096 bytes


@dataclass(frozen=True)
class IndexedKeypoints:
    """Category and names of a set's points, and the hash of their places."""

    category: ShortText
    names: list[ShortText]
    sha256: str


@dataclass(frozen=True)
class UnusablePicture:
    """A picture that was skipped, by its path below the source, and the reason."""

    file: ShortText
    reason: ShortText


@dataclass(frozen=True)
class Index:
    """The content of index.json.

    sha256: of the crops' bytes. keypoints: None without any. files: the pictures' paths below the
    source, in order. skipped: unusable pictures.
    """

    format: int
    count: int
    size: int
    sha256: str
    keypoints: IndexedKeypoints | None
    files: list[ShortText]
    skipped: list[UnusablePicture]

    def to_json(self) -> str:
        """Write it as JSON, one file per line."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)


def read_index(file: Path) -> Index:
    """Read index.json. Raises DataError that names what is wrong in it."""
    if not file.exists():
        raise DataError(
            f"{file.parent} is not a packed set: make one with  lmk data pack SOURCE -o DIR"
        )
    text = read_text(file)
    try:
        content = parse_json(text)
        found = content.get("format") if isinstance(content, dict) else None
        if isinstance(found, int) and found != FORMAT:
            raise ValueError(f"format is {found!s:.20}, expected {FORMAT}")
        index = read_as(Index, content)
        _check(index)
    except ValueError as error:
        raise DataError(
            f"{file} is not the index of a packed set: {error}. Pack it again"
        ) from error
    return index


def _check(index: Index) -> None:
    """Raise ValueError for values that no set has."""
    if index.count != len(index.files):
        raise ValueError(f"count is {index.count}, but there are {len(index.files)} files")
    if index.size not in SIZES_PX:
        raise ValueError(f"size is {index.size}, expected {SIZES_PX[0]} to {SIZES_PX[-1]}")
    points = index.keypoints
    hashes = {"sha256": index.sha256} | ({"keypoints.sha256": points.sha256} if points else {})
    for name, value in hashes.items():
        if not re.fullmatch(HASH, value):
            raise ValueError(f"{name} is {value[:70]!r}, expected 64 hexadecimal digits")
    if points and not 0 < len(set(points.names)) == len(points.names):
        raise ValueError("keypoints.names has no name, or one twice")
