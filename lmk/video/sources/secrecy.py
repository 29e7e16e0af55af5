"""Addresses and pipelines as messages show them: without what may be secret."""

from __future__ import annotations

import re
from itertools import takewhile
from urllib.parse import unquote

HIDDEN = "***"
LONGEST = 4000  # the patterns take the square of the length
MOST_PASSES = 4
PIPE = " ! "  # between the elements of a GStreamer pipeline
PIPELINE = re.compile(r"\s!\s|(?:^|\s)[\w-]+\s*=\s*\S")

WHOLE_URL = re.compile(r"[\s\"'<]*[a-z][\w+.:-]*://", re.IGNORECASE)
URL_WITHIN = re.compile(r"(?<![\w+.-])[\w+.-]*://\S*[^\s:,.'\")]")
ONE_SLASH = re.compile(r"[a-z][\w+.-]*:/", re.IGNORECASE)
HOST = re.compile(r"(?:\[[\w:.%]*\]|[\w.-]*)(?::\d{0,5})?")
ORDINARY = re.compile(r"[\w .~+()-]*")
SUFFIX = re.compile(r"\.\w{1,5}$")
WORD = re.compile(r"[^\W_]+")
RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
TOKEN_LENGTH, WORD_RUNS = 20, 4  # "h264Preview" has three runs

# A word of a pipeline as gst-launch-1.0 reads it: with quotes and backslashes anywhere.
PIPELINE_WORD = re.compile(
    r"(?:\\.|\"(?:\\.|[^\"\\])*(?:\"|\\?\Z)|'(?:\\.|[^'\\])*(?:'|\\?\Z)|[^\s\"'\\])+", re.DOTALL
)
PLACES = ("location", "uri")
SIZE = r"(?:device|format|framerate|height|width|sensor-id)=(?:\(\w+\))?[\w/-]+"
SEPARATOR = re.compile(r"[\"/,=:]")
QUOTING = r"[\"'\\]"
HARMLESS = re.compile(rf"\"?(?:[\w./-]+(?:\(memory:\w+\))?|{SIZE})(?:,{SIZE})*,?\"?")


def without_secrets(text: str) -> str:
    """Return a URL, a pipeline, or a message with URLs in it, with *** for all that may be secret.

    Of a URL stay the scheme, host and port, and the path up to the first part that looks like a
    token or has other characters than words; of an RTMP address not more than the application,
    since its stream's key follows. Of a pipeline stay the elements, sizes, formats and places.
    Hides rather too much than too little.
    """
    for _ in range(MOST_PASSES):
        shown = _shown(text)
        if shown == text:
            return text
        text = shown  # what is left when quotes and secrets are gone may read differently
    return HIDDEN


def _shown(text: str) -> str:
    if len(text) > LONGEST:
        return HIDDEN
    if _is_pipeline(text):
        words = PIPELINE_WORD.findall(re.sub(r"\s*=\s*", "=", text))
        return " ".join(_pipeline_word(word) for word in words)
    return _message(text)


def _is_pipeline(text: str) -> bool:
    return bool(PIPELINE.search(text)) and not WHOLE_URL.match(text)


def _message(text: str) -> str:
    """A URL, a path, or words with URLs among them."""
    if WHOLE_URL.match(text):
        return _url(text)
    if URL_WITHIN.search(text):
        return URL_WITHIN.sub(lambda found: _url(found[0]), text)
    return re.sub(r"\S+", lambda found: _without_scheme(found[0]), text)


def _url(text: str) -> str:
    scheme, slashes, rest = text.partition("://")
    return f"{scheme}{slashes}{_after_scheme(rest, has_key='rtmp' in scheme.lower())}"


def _without_scheme(word: str) -> str:
    """A word that may be a URL whose scheme, or one of whose slashes, was forgotten."""
    is_url = ":" in word.rpartition("@")[0] or re.search(r".[?#].", word)
    return _after_scheme(ONE_SLASH.sub("", word, count=1)) if is_url else word


def _after_scheme(text: str, has_key: bool = False) -> str:
    """What comes after ://. has_key: whether a stream's key follows the first part of the path."""
    head = re.split(r"[?#]", text, maxsplit=1)[0]
    tail = text[len(head) :]
    user, at, place = head.rpartition("@")
    place, *options = re.split(r"\s", place, maxsplit=1)  # of librtmp
    host, *path = place.split("/")
    # An @ in the path or query, or a password with such characters: nobody can tell.
    if "@" in tail or "/" in user or not HOST.fullmatch(host):
        return HIDDEN
    plain = list(takewhile(_is_ordinary, path))
    if has_key:
        plain = plain[: len(path) > 1]
    rest = path[len(plain) :]
    hidden_path = [HIDDEN] if any(rest) else rest
    hidden_tail = f" {HIDDEN}" if options else f"{tail[0]}{HIDDEN}" if tail else ""
    return f"{HIDDEN if user else ''}{at}{'/'.join([host, *plain, *hidden_path])}{hidden_tail}"


def _is_ordinary(part: str) -> bool:
    """Whether a part of a path looks like words and numbers rather than like a token."""
    part = SUFFIX.sub("", unquote(part))
    if not ORDINARY.fullmatch(part):
        return False
    words = WORD.findall(part)
    long = len(part) >= TOKEN_LENGTH and any(character.isdigit() for character in part)
    mixed = any(len(RUN.findall(word)) > WORD_RUNS for word in words)
    return not (long or mixed or any(len(word) >= TOKEN_LENGTH for word in words))


def _pipeline_word(word: str) -> str:
    if word == "!" or WHOLE_URL.match(word):
        return _message(word)
    name, equals, value = word.partition("=")
    if name.lower() in PLACES:
        place = re.sub(QUOTING, "", value)
        return f"{name}={HIDDEN if _is_pipeline(place) else _message(place)}"
    short = all(len(part) < TOKEN_LENGTH for part in SEPARATOR.split(word))
    if short and HARMLESS.fullmatch(word):
        return word
    return f"{name}={HIDDEN}" if equals and re.fullmatch(r"[\w-]+", name) else HIDDEN
