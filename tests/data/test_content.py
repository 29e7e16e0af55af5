from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, features

from lmk.data.content import READABLE, kind_of


@pytest.mark.parametrize("kind", READABLE)
def test_pictures_are_known_by_their_first_bytes(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    written = BytesIO()
    Image.new("RGB", (40, 30)).save(written, kind)
    assert kind_of(written.getvalue()[:128]) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafheic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42heic", ""),  # after the box
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"BM, wrote the author of this text", ""),
        (b"RIFF\0\0\0\0AVI LIST", ""),
        (b"%!PS-Adobe-3.0 EPSF-3.0", ""),
        (b"", ""),
    ],
)
def test_other_files_are_told_apart(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind
