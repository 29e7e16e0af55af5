from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from lmk.data.memory import Budget, coefficients_bytes, decoded_bytes

WIDTH, HEIGHT = 400, 300
PIXELS = WIDTH * HEIGHT


def test_threads_hold_no_more_than_the_total_and_take_turns() -> None:
    """Of 10: 6 and 4 together, then 10 alone, though 1 would fit beside the first two's last."""
    budget, held, most, order = Budget(10), 0, 0, list[int]()
    lock, begun = threading.Lock(), threading.Event()

    def work(count: int) -> None:
        nonlocal held, most
        with budget.hold(count):
            with lock:
                held += count
                most = max(most, held)
                order.append(count)
            begun.wait(5)
            with lock:
                held -= count

    threads = [threading.Thread(target=work, args=(count,)) for count in (6, 4, 10, 1)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    assert order == [6, 4]
    begun.set()
    for thread in threads:
        thread.join(5)
    assert most == 10
    assert order == [6, 4, 10, 1]


def test_what_a_failed_block_held_is_free_again() -> None:
    budget = Budget(10)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.hold(9):
            1 / 0  # noqa: B018


@pytest.mark.parametrize(
    ("name", "mode", "part", "whole"),
    [
        ("a.jpg", "RGB", 4, 10),
        ("a.png", "RGB", 4, 10),
        ("a.png", "L", 8, 14),
        ("a.png", "RGBA", 16, 16),
        ("a.webp", "RGB", 16, 18),  # two canvases of four bytes, the answer, Pillow's picture
        ("a.webp", "RGBA", 24, 24),
        ("a.tif", "CMYK", 8, 14),
    ],
)
def test_the_memory_of_decoding_is_known_from_the_header(
    tmp_path: Path, name: str, mode: str, part: int, whole: int
) -> None:
    """Bytes per pixel, as they were measured with Pillow 13 for pictures of 36 million pixels."""
    path = tmp_path / name
    Image.new(mode, (WIDTH, HEIGHT)).save(path, lossless=True)
    with Image.open(path) as picture:
        strip = 4 * PIXELS if name == "a.tif" else 0  # which Pillow writes in one
        assert decoded_bytes(picture, as_array=False) == PIXELS * part + strip
        assert decoded_bytes(picture, as_array=True) == PIXELS * whole + strip
        assert coefficients_bytes(picture) == 0


def test_a_progressive_jpeg_is_counted_at_its_full_size(tmp_path: Path) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", progressive=True)
    with Image.open(tmp_path / "a.jpg") as picture:
        assert coefficients_bytes(picture) == 6 * PIXELS
        picture.draft(None, (100, 75))
        assert decoded_bytes(picture, as_array=False) == 4 * PIXELS // 16


def test_the_tile_of_a_tiff_may_be_larger_than_its_picture(tmp_path: Path) -> None:
    """TIFF 6.0: a header, and tags of an ID, a type (4: uint32), a count and a value."""
    tags = {256: 8, 257: 8, 258: 8, 259: 5, 262: 1, 277: 1, 322: 20_000, 323: 10_000, 324: 8}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in {**tags, 325: 9}.items()]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    (tmp_path / "a.tif").write_bytes(head + b"".join(entries) + bytes(4))
    with Image.open(tmp_path / "a.tif") as picture:
        assert decoded_bytes(picture, as_array=False) == 8 * 8 * 8 + 20_000 * 10_000
