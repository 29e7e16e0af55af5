"""Decode picture files of any kind."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmk.data.content import READABLE, REMEDIES, kind_of
from lmk.data.memory import (
    DECODED,
    DECODED_BYTES,
    FILE_BYTES,
    FILES,
    coefficients_bytes,
    decoded_bytes,
)
from lmk.geometry import center_square, compose_affine, sideways_to_upright, square_to_crop
from lmk.system.errors import DataError, LmkError, missing_extra
from lmk.system.reading import reason_of

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    Image = npt.NDArray[np.uint8]

MIN_SIDE_PX = 32  # a quarter of the network's input: below it there is nothing to learn from
MAX_PIXELS = 90_000_000  # 270 MB once decoded
# A JPEG is decoded at a half, quarter or eighth as long as that leaves this many times the crop.
REDUCING_GAP = 2
LARGE_BLOCK = 1 << 27  # bytes of a picture that Pillow keeps in one piece
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height


def read_image(path: Path, upright: bool = True) -> Image:
    """Decode one picture as uint8 RGB (H, W, 3).

    It is rotated by its EXIF orientation, unless `upright` is False. Transparent pixels become
    white, 16 bits per channel are scaled to 8, CMYK is converted (inverted in a JPEG, as Adobe
    writes it), colour profiles are ignored, and only the first picture of an animation is read.
    Raises DataError for a file that is not a picture, is truncated, is larger than 400 MB, or has
    32-bit numbers, more than 90 million pixels, or so many that decoding them needs more than 1 GB.
    All pictures that threads decode at the same time need 1 GB at most.
    """
    with _opened(path) as picture:
        return _whole(picture, path, upright)


def decode_image(data: bytes, name: str) -> Image:
    """Decode the bytes of a picture file as `read_image` does; errors call it by its name."""
    if len(data) > FILE_BYTES:
        raise DataError(_too_large(name, len(data)))
    with _decoding(data, name) as picture:
        return _whole(picture, name, upright=True)


def read_crop(
    path: Path, size: int, size_wh: Sequence[float] = (0, 0)
) -> tuple[Image, npt.NDArray[np.float32]]:
    """Decode the centred square of a picture, resized: uint8 RGB (size, size, 3).

    Colours and orientation are those of `read_image`. Returns the crop and the matrix (2, 3) from
    pixels of the upright image to crop pixels. A JPEG is shrunk while it is decoded, so that it may
    have twice as many pixels. Raises DataError as `read_image` does, and for pictures with a side
    below 32 pixels.

    size_wh: width and height of the picture as its annotation has it, 0 where unknown. If this is
    the size before EXIF turned the picture, the matrix is from the picture as stored. Raises
    DataError for any other size than these two.
    """
    with _opened(path) as picture:
        from PIL import ExifTags

        width, height = picture.size
        if min(width, height) < MIN_SIDE_PX:
            raise DataError(
                f"{path} is {width} x {height} pixels, expected at least {MIN_SIDE_PX} per side"
            )
        needed = coefficients_bytes(picture)
        drafted = picture.draft(None, (REDUCING_GAP * size, REDUCING_GAP * size))
        share = drafted[1][2] / width if drafted else 1.0
        needed += decoded_bytes(picture, as_array=False)
        with DECODED.hold(_checked(needed, picture, path)):
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1)
            rgb = _to_rgb(picture, path)
            crop = _square(rgb, width * share, height * share, size)
            # Known only now, since TIFFs are turned while they are decoded.
            orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
        if orientation in SIDEWAYS:
            width, height = height, width
        left, top, side, _ = center_square(width, height)
        to_crop = square_to_crop(left, top, side, size)
        if any(one and one != real for one, real in zip(size_wh, (width, height), strict=True)):
            to_crop = compose_affine(to_crop, _turn(path, turned, (width, height), size_wh))
        return np.asarray(_upright(crop, orientation)), to_crop


@contextmanager
def large_pictures() -> Iterator[None]:
    """Suppress Pillow's warning about large pictures, which `read_crop` shrinks or refuses."""
    try:
        from PIL.Image import DecompressionBombWarning
    except ImportError as error:
        raise missing_extra("pillow", "train") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DecompressionBombWarning)
        yield


@contextmanager
def _opened(path: Path) -> Iterator[Picture]:
    """Open a picture without decoding it; every exception inside becomes a DataError."""
    try:
        size = _file_bytes(path)
        with FILES.hold(size):
            with path.open("rb") as file:
                data = file.read(size)  # at once: Pillow reads a header in some forty pieces
            with _decoding(data, path) as picture:
                yield picture
    except (OSError, ValueError) as error:  # the second for names with null bytes
        raise DataError(f"{path} cannot be read: {reason_of(error)}") from error


@contextmanager
def _decoding(data: bytes, name: Path | str) -> Iterator[Picture]:
    """As `_opened`, for the bytes of a file."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise missing_extra("pillow", "train") from error
    try:
        with Image.open(BytesIO(data), formats=_formats()) as picture:
            yield picture
    except LmkError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{name} is {_other_kind(data)}") from error
    except Exception as error:  # broken bytes make Pillow's decoders raise almost anything
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{name} cannot be read: {error.strerror}") from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{name} is not a picture that can be decoded: {reason}") from error


def _whole(picture: Picture, name: Path | str, upright: bool) -> Image:
    """All pixels of an open picture, uint8 RGB (H, W, 3)."""
    from PIL import ImageOps

    needed = coefficients_bytes(picture) + decoded_bytes(picture, as_array=True)
    with DECODED.hold(_checked(needed, picture, name)):
        if upright:
            ImageOps.exif_transpose(picture, in_place=True)
        return np.array(_to_rgb(picture, name))


@cache
def _formats() -> list[str]:
    """The formats that Pillow may try, of which some others start programs; sets up its memory."""
    from PIL import Image

    # What is larger than 32 MB, glibc gives back to the system; smaller pieces it keeps per thread.
    Image.core.set_block_size(LARGE_BLOCK)  # type: ignore[attr-defined]
    known = find_spec("PIL.AvifImagePlugin")  # since 11.3
    return [name for name in READABLE if name != "AVIF" or known]


def _file_bytes(path: Path) -> int:
    """The size of a regular file; a pipe or a device would never end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} is not a regular file: expected a picture")
    if status.st_size > FILE_BYTES:
        raise DataError(_too_large(path, status.st_size))
    return status.st_size


def _too_large(name: Path | str, size: int) -> str:
    return f"{name} has {size / 1e6:,.0f} MB, more than {FILE_BYTES / 1e6:.0f}: shrink it first"


def _other_kind(data: bytes) -> str:
    kind = kind_of(data)
    if kind == "AVIF":
        return "AVIF, which this Pillow cannot read: run  pip install 'pillow>=11.3'"
    if kind in REMEDIES:
        return f"a {kind} picture: {REMEDIES[kind]}"
    return "not a picture of a known format"


def _checked(needed: int, picture: Picture, path: Path | str) -> int:
    """Return the bytes that decoding needs, unless the picture is too large."""
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise DataError(
            f"{path} is {width} x {height} pixels, more than {MAX_PIXELS:,}: shrink it first"
        )
    if needed > DECODED_BYTES:
        raise DataError(
            f"{path} is {picture.format} of {width} x {height} pixels, and decoding it needs "
            f"{needed / 1e9:.1f} GB, more than {DECODED_BYTES / 1e9:.0f}: shrink it first"
        )
    return needed


def _turn(
    path: Path, orientation: int, upright_wh: tuple[int, int], size_wh: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Matrix (2, 3) to a picture's upright pixels from the pixels that its annotation counts."""
    width, height = size_wh
    if orientation not in SIDEWAYS or (height, width) != upright_wh:
        raise DataError(
            f"{path} is {upright_wh[0]} x {upright_wh[1]} pixels, but was annotated at {width:g} x "
            f"{height:g}: give the picture that was annotated, or correct its points and size"
        )
    return sideways_to_upright(width, height, orientation)


def _to_rgb(picture: Picture, path: Path | str) -> Picture:
    from PIL import Image

    if picture.mode.startswith("I;16"):
        wide = np.asarray(picture).astype(np.uint32)
        return Image.fromarray(((wide + 128) // 257).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        raise DataError(
            f"{path} has 32-bit pixels, whose value for white is unknown: expected 8 or 16 bits "
            "per channel"
        )
    if picture.has_transparency_data:
        paper = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _square(rgb: Picture, width: float, height: float, size: int) -> Picture:
    """Resize the centred square of the first width x height pixels."""
    from PIL.Image import Resampling

    left, top, side, _ = center_square(width, height)
    box = (left, top, left + side, top + side)
    if side == size == rgb.width == rgb.height:
        return rgb
    method = Resampling.HAMMING if side > size else Resampling.BILINEAR
    return rgb.resize((size, size), method, box)


def _upright(crop: Picture, orientation: int) -> Picture:
    from PIL import ExifTags, ImageOps

    if orientation == 1:
        return crop
    crop.getexif()[ExifTags.Base.Orientation] = orientation
    return ImageOps.exif_transpose(crop)
