from __future__ import annotations

import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmk.system.text import cell, printable, writable

ANY = st.text(st.characters(codec=None) | st.characters(categories=["Cs"]))  # also half pairs
OBEYED = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # UAX 9, and its marks:
MARKS = "\u061c\u200e\u200f"


def is_shown(character: str) -> bool:
    is_text = unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
    return is_text and unicodedata.bidirectional(character) not in OBEYED and character not in MARKS


def test_of_all_characters_those_that_are_shown_stay_and_no_others() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    ordinary = "".join(filter(is_shown, every))
    assert printable(ordinary) == writable(ordinary) == ordinary
    others = "".join(character for character in every if not is_shown(character))
    assert printable(others).isascii()
    assert printable(others).isprintable()


@given(ANY)
def test_printable_text_stays(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(ANY)
def test_any_text_becomes_one_that_utf8_holds(text: str) -> None:
    shown = writable(text)
    assert writable(shown.encode().decode()) == shown


@given(st.text("=+-@\t\r\n a'", max_size=3), ANY)
def test_a_cell_never_begins_a_formula(first: str, text: str) -> None:
    shown = cell(first + text)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown in (printable(first + text), printable(f"'{first}{text}"))


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
    assert cell(f"{first}1+1.jpg") == printable(f"'{first}1+1.jpg")
    assert cell(f"a{first}1.jpg") == printable(f"a{first}1.jpg")
    assert cell("\x1b[31m") == r"\x1b[31m"
    assert cell("") == ""
