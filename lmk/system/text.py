r"""Names of files as text that is safe to print and to write.

Python holds the bytes of a name that are no UTF-8 as lone surrogates, which no terminal and no file
in UTF-8 takes; here they become \xe9.
"""

from __future__ import annotations

import re
from pathlib import Path

from lmk.system.errors import UsageError

SURROGATES = r"\ud800-\udfff"
# Control characters, ends of lines, and marks that turn the direction of the text around them.
CONTROLS = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNWRITABLE = re.compile(f"[{SURROGATES}]")
_UNPRINTABLE = re.compile(f"[{CONTROLS}{SURROGATES}]")
_BYTES = 0xDC00  # PEP 383: byte 0xe9 of a name is U+DCE9
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def printable(text: str) -> str:
    r"""Escape what a terminal would obey rather than show, such as \x1b, and ends of lines."""
    return _UNPRINTABLE.sub(_escape, text)


def writable(text: str) -> str:
    """Escape only what UTF-8 cannot hold."""
    return _UNWRITABLE.sub(_escape, text)


def cell(text: str) -> str:
    """Text for a CSV file: as `printable`; with ' before what spreadsheets take for a formula."""
    return printable(f"'{text}" if text.startswith(_FORMULA) else text)


def check_utf8(path: Path) -> None:
    """Raise UsageError for a path that only the system can hold, when a library did not take it."""
    if writable(str(path)) != str(path):
        raise UsageError(f"a library takes only names in UTF-8: rename {printable(str(path))}")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if _BYTES + 0x80 <= code <= _BYTES + 0xFF:
        code -= _BYTES
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
