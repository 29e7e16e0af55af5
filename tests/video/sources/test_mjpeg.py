from __future__ import annotations

import itertools
from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("chunk_bytes", [1, 100, 1_000_000])
def test_a_picture_that_is_too_long_is_dropped(
    monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    monkeypatch.setattr(mjpeg, "MAX_BYTES", 5000)
    longest, longer = (WHOLE[0][:-2].ljust(n - 2, b"\x55") + b"\xff\xd9" for n in (5000, 5001))
    data = longest + longer + WHOLE[1]
    assert split(data, chunk_bytes) == ([longest, WHOLE[1]], {"truncated": 1})


Borders = list[int]
BORDERS = st.lists(st.integers(0, 99), max_size=9).map(sorted) | st.just([*range(300)])
SCAN = st.binary(max_size=9).map(lambda data: data.replace(b"\xff", b"\xff\0"))  # as encoders do
SEGMENTS = st.tuples(st.sampled_from(b"\xdb\xe0\xfe\xc4"), st.binary(max_size=9))
JUNK = st.binary(max_size=9).filter(lambda data: b"\xff\xd8" not in data)


def segment(code: int, content: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2, "big") + content


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """What has the form of a JPEG: segments of any bytes, also markers, and a scan."""
    segments = b"".join(segment(*each) for each in draw(st.lists(SEGMENTS, max_size=3)))
    return b"\xff\xd8" + segments + segment(0xDA, b"") + draw(SCAN) + b"\xff\xd9"


def split_at(data: bytes, borders: Borders) -> tuple[list[bytes], dict[str, int]]:
    chunks = [data[start:end] for start, end in itertools.pairwise([0, *borders, len(data)])]
    dropped: Counter[str] = Counter()
    return list(split_jpegs(chunks, dropped)), dict(dropped)


@given(st.lists(st.tuples(JUNK, pictures()), max_size=4), JUNK, BORDERS)
def test_any_pictures_come_out_of_any_junk_between_them(
    parts: list[tuple[bytes, bytes]], end: bytes, borders: Borders
) -> None:
    data = b"".join(junk + picture for junk, picture in parts) + end
    assert split_at(data, borders) == ([picture for _, picture in parts], {})


# Markers, segments whose lengths are right or wrong, and parts of them.
TORN = [
    b"\xff\xd9",
    b"\xff\xd8",
    b"\xff\xe1",
    b"\xff\xc0\0\4",
    b"\0\0",
    b"\0\1",
    b"\0\x09",
    b"\xff",
]
DAMAGED = st.lists(st.sampled_from(TORN) | st.binary(max_size=2), max_size=30).map(b"".join)


@pytest.mark.parametrize("max_bytes", [6, 10**8])
@settings(max_examples=200)
@given(DAMAGED, BORDERS)
def test_the_borders_of_the_chunks_change_nothing(
    max_bytes: int, data: bytes, borders: Borders
) -> None:
    """Also in damaged streams, and where pictures are too long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mjpeg, "MAX_BYTES", max_bytes)
        assert split_at(b"\xff\xd8" + data, borders) == split_at(b"\xff\xd8" + data, [])


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


@given(st.binary())
def test_pixels_of_any_bytes_are_counted(data: bytes) -> None:
    assert 0 <= pixel_count(data) < 1 << 32


@given(pictures(), st.integers(0, 65535), st.integers(0, 65535))
def test_pixels_are_those_of_the_frame_header(picture: bytes, height: int, width: int) -> None:
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    scan = picture.rindex(segment(0xDA, b""))
    assert pixel_count(picture[:scan] + segment(0xC2, b"\x08" + size)) == height * width
