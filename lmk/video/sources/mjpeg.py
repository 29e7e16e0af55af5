"""JPEGs one after another, as `ffmpeg -f mjpeg -` writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

CUT_SHORT = "truncated"
START, END = 0xD8, 0xD9
BEGINNING = re.compile(rb"\xff\xd8")
# Compressed data hold no such bytes. A segment says how long it is, and is skipped: a small JPEG
# may lie in it as a preview.
MARKER = re.compile(rb"\xff(?:[\xd8\xd9]|[\xc0-\xcf\xda-\xef\xfe](..))", re.DOTALL)
FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
MAX_BYTES = 100_000_000


def split_jpegs(chunks: Iterable[bytes], dropped: Counter[str]) -> Iterator[bytes]:
    """Yield each JPEG in a stream of bytes as soon as its last byte is there.

    Bytes between two JPEGs, such as the headers of multipart/x-mixed-replace, are skipped. A JPEG
    that the next one or the end interrupts, or without an end within 100 MB, is counted in
    `dropped`. The lengths of the chunks change nothing. Markers are those of ITU-T T.81, annex B.
    """
    buffer, at, inside = bytearray(), 0, False
    for chunk in chunks:
        buffer += chunk
        while True:
            found = MARKER.search(buffer, at, MAX_BYTES) if inside else BEGINNING.search(buffer, at)
            if found is None:
                if not inside or len(buffer) <= MAX_BYTES:
                    break
                dropped[CUT_SHORT] += 1
                del buffer[: MAX_BYTES - 1]  # its last byte may begin the next one
                at, inside = 0, False
                continue
            code, at = buffer[found.start() + 1], found.end()
            if code == END:
                yield bytes(buffer[:at])
                del buffer[:at]
                at, inside = 0, False
            elif code == START:
                if inside:
                    dropped[CUT_SHORT] += 1
                del buffer[: found.start()]
                at, inside = 2, True
            else:
                at += int.from_bytes(found[1], "big") - 2
        at = max(at, len(buffer) - 3)  # the last three bytes may be part of a marker
        if not inside:
            del buffer[:at]
            at = 0
    if inside:
        dropped[CUT_SHORT] += 1


def pixel_count(jpeg: bytes) -> int:
    """Return the number of pixels that the frame header of a JPEG states, 0 without one."""
    at = 2
    while found := MARKER.search(jpeg, at):
        if jpeg[found.start() + 1] in FRAME_HEADERS:
            size = jpeg[found.end() + 1 : found.end() + 5]  # after the bits per channel
            return int.from_bytes(size[:2], "big") * int.from_bytes(size[2:], "big")
        at = found.end() + (int.from_bytes(found[1], "big") - 2 if found[1] else 0)
    return 0
