"""What a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 128
SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
}
READABLE = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
REMEDIES = {
    "HEIC": "convert HEIC first, for example with  heif-convert",
    "JPEG XL": "convert JPEG XL first, for example with  djxl",
}
"""Pictures of which it can only be said what they are."""

BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # lengths of BMP's second header
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def read_kind(path: Path) -> str:
    """The format of a picture file by its content, as Pillow names it; "" if it is none.

    Raises OSError.
    """
    with path.open("rb", buffering=0) as file:
        return kind_of(file.read(HEAD_BYTES))


def kind_of(head: bytes) -> str:
    """As `read_kind`, for the first bytes of a file."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BITMAP_HEADERS:
        return "BMP"
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    return next((kind for start, kind in SIGNATURES.items() if head.startswith(start)), "")


def _by_brands(head: bytes) -> str:
    """Files of ISO 14496-12 begin with a box of brands: AVIF and HEIC as well as MP4."""
    box = head[: int.from_bytes(head[:4], "big")]
    brands = {box[start : start + 4] for start in (8, *range(16, len(box), 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & HEIC_BRANDS else ""
