from __future__ import annotations

import os

import pytest

from lmk.system.text import cell, printable, writable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("día 犬 👩\u200d🚀 naïve.jpg", "día 犬 👩\u200d🚀 naïve.jpg"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("one\r\ntwo\tthree", r"one\x0d\x0atwo\x09three"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("a\u2028b\u2066c", r"a\u2028b\u2066c"),
        (os.fsdecode(b"caf\xe9.mp4"), r"caf\xe9.mp4"),
        ("half \ud83d", r"half \ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    shown.encode()


def test_a_file_gets_any_text_but_bytes_that_are_no_utf8() -> None:
    assert writable(os.fsdecode(b"caf\xe9\n\x1b.mp4")) == "caf\\xe9\n\x1b.mp4"


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_begins_a_formula(first: str) -> None:
    assert cell(f"{first}1+1.jpg") == f"'{first}1+1.jpg"
    assert cell(f"a{first}1.jpg") == f"a{first}1.jpg"
    assert cell("") == ""
