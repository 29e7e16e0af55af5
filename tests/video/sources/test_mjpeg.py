from __future__ import annotations

import random
from collections import Counter

import cv2
import numpy as np
import pytest

from lmk.video.sources import mjpeg
from lmk.video.sources.mjpeg import pixel_count, split_jpegs


def jpeg(seed: int, size_hw: tuple[int, int] = (24, 40), progressive: bool = False) -> bytes:
    image = np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    return cv2.imencode(".jpg", image, options)[1].tobytes()


def with_preview(picture: bytes, preview: bytes) -> bytes:
    """Put a small JPEG into an application segment, as cameras do."""
    segment = b"Exif\0\0" + preview
    return picture[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + picture[2:]


def split(data: bytes, chunk_bytes: int) -> tuple[list[bytes], dict[str, int]]:
    chunks = (data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes))
    dropped: Counter[str] = Counter()
    return list(split_jpegs(chunks, dropped)), dict(dropped)


WHOLE = [
    jpeg(0),
    jpeg(1, (9, 70), progressive=True),
    with_preview(jpeg(2), jpeg(3, (8, 8))),
    jpeg(4),
]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000, 1_000_000])
def test_pictures_come_out_as_they_went_in(chunk_bytes: int) -> None:
    assert split(b"".join(WHOLE), chunk_bytes) == (WHOLE, {})


@pytest.mark.parametrize("chunk_bytes", [1, 64, 1_000_000])
def test_what_lies_between_pictures_is_skipped(chunk_bytes: int) -> None:
    between = b"\r\n--next\r\nContent-Type: image/jpeg\r\n\r\n\xff"
    data = b"".join(between + picture for picture in WHOLE)
    assert split(data, chunk_bytes) == (WHOLE, {})


@pytest.mark.parametrize("chunk_bytes", [3, 1_000_000])
def test_pictures_that_are_cut_short_are_counted(chunk_bytes: int) -> None:
    data = WHOLE[0] + WHOLE[1][:-30] + WHOLE[2] + WHOLE[3][:-1]
    assert split(data, chunk_bytes) == ([WHOLE[0], WHOLE[2]], {"truncated": 2})


def test_a_picture_is_given_before_more_bytes_are_asked_for() -> None:
    def chunks():
        yield WHOLE[0]
        raise AssertionError("asked for more")

    assert next(split_jpegs(chunks(), Counter())) == WHOLE[0]


def test_a_picture_without_an_end_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mjpeg, "MAX_BYTES", 5000)
    endless = WHOLE[0][:-2] + 8000 * b"\x55"
    assert split(endless + WHOLE[1], 100) == ([WHOLE[1]], {"truncated": 1})


def split_anywhere(data: bytes, chance: random.Random) -> tuple[list[bytes], dict[str, int]]:
    """Split after chunks of random lengths."""
    longest, chunks, at = chance.choice([1, 3, 40, 4000]), list[bytes](), 0
    while at < len(data):
        chunks.append(data[at : at + chance.randint(1, longest)])
        at += len(chunks[-1])
    dropped: Counter[str] = Counter()
    return list(split_jpegs(chunks, dropped)), dict(dropped)


@pytest.mark.parametrize("seed", range(20))
def test_pictures_are_the_same_wherever_the_bytes_are_parted(seed: int) -> None:
    """Also of damaged streams, and of segments whose lengths are wrong."""
    chance = random.Random(seed)
    data = bytearray(b"--next\r\n".join(WHOLE))
    for _ in range(chance.choice([0, 3, 30])):
        at = chance.randrange(len(data))
        marker = bytes([0xFF, chance.choice([0xC0, 0xD8, 0xD9, 0xE1, 0xFE, 0xFF, 0x00])])
        lie = chance.choice([b"", b"\0\0", b"\0\1", b"\0\2", b"\xff\xff", b"\0\x40"])
        data[at : at + chance.choice([0, 2, 9])] = marker + lie
    expected = split(bytes(data), len(data))
    for _ in range(5):
        assert split_anywhere(bytes(data), chance) == expected


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_segment_shorter_than_its_own_length_ends_no_picture(length: int) -> None:
    picture = WHOLE[0][:2] + b"\xff\xe1" + length.to_bytes(2, "big") + WHOLE[0][2:]
    assert split(picture + WHOLE[1], 5) == ([picture, WHOLE[1]], {})


def test_a_segment_longer_than_the_stream_is_a_truncated_picture() -> None:
    endless = WHOLE[0][:2] + b"\xff\xe1\xff\xff" + WHOLE[0][2:]
    assert split(endless + WHOLE[1], 50) == ([], {"truncated": 1})


def test_pixels_are_those_of_the_picture_and_not_of_its_preview() -> None:
    assert [pixel_count(picture) for picture in WHOLE] == [24 * 40, 9 * 70, 24 * 40, 24 * 40]
    assert pixel_count(b"\xff\xd8\xff\xd9") == 0
    assert pixel_count(WHOLE[0][: WHOLE[0].index(b"\xff\xc0") + 5]) == 0
