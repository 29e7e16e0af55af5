"""Every kind of picture, made here with known pixels."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from lmk.data.decode import decode_image, large_pictures, read_crop, read_image
from lmk.data.memory import DECODED, DECODED_BYTES, FILE_BYTES
from lmk.geometry import apply_affine
from lmk.system.errors import DataError

RED, GREEN, BLUE, YELLOW = (230, 20, 10), (10, 200, 30), (20, 30, 220), (240, 220, 20)
ORIENTATION = 0x0112


def quarters(width: int, height: int) -> np.ndarray:
    """Red and green above blue and yellow."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = RED, GREEN
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = BLUE, YELLOW
    return image


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """Pixels near the four corners: above left and right, below left and right."""
    return [tuple(image[y, x].tolist()) for y in (3, -4) for x in (3, -4)]


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def png(path: Path, depth: int, color_type: int, pixels: np.ndarray) -> Path:
    """Write a PNG by hand, as the format's specification has it: pixels (H, W, C) big-endian."""
    height, width = pixels.shape[:2]

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_colours_are_red_green_blue(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.png", quarters(50, 40)))
    assert image.shape == (40, 50, 3)
    assert image.dtype == np.uint8
    assert corners(image) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_greyscale_is_the_same_in_all_three_channels(tmp_path: Path, suffix: str) -> None:
    grey = np.full((40, 50), 37, np.uint8)
    grey[:, 24:] = 201  # at the edge of a JPEG's blocks
    image = read_image(save(tmp_path / f"a.{suffix}", grey))
    np.testing.assert_allclose(image, np.repeat(grey[..., None], 3, axis=2), atol=2)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_transparency_is_put_on_white(tmp_path: Path, suffix: str) -> None:
    """Half of red on white: (230 * 51 + 255 * 204) / 255 = 250, 208, 206."""
    pixels = np.dstack([quarters(40, 40), np.full((40, 40), 255, np.uint8)])
    pixels[:, :20, 3] = 51
    pixels[20:, 20:, 3] = 0
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    image = read_image(save(tmp_path / f"a.{suffix}", pixels, **options))
    np.testing.assert_allclose(corners(image)[0], (250, 208, 206), atol=1)
    assert corners(image)[1] == GREEN
    assert corners(image)[3] == (255, 255, 255)


def test_a_grey_with_transparency_is_put_on_white(tmp_path: Path) -> None:
    pixels = np.full((40, 40, 2), (100, 51), np.uint8)
    image = read_image(save(tmp_path / "a.png", pixels))
    np.testing.assert_allclose(image, 255 - 155 * 51 // 255, atol=1)  # 224


@pytest.mark.parametrize("transparent", [False, True])
def test_a_palette_gives_its_colours(tmp_path: Path, transparent: bool) -> None:
    picture = Image.fromarray(np.repeat([[0, 1, 2, 3]], 40, 0).repeat(10, 1).astype(np.uint8))
    picture = picture.convert("P")
    picture.putpalette([*RED, *GREEN, *BLUE, *YELLOW])
    picture.save(tmp_path / "a.png", **({"transparency": 2} if transparent else {}))
    image = read_image(tmp_path / "a.png")
    third = (255, 255, 255) if transparent else BLUE
    assert [tuple(image[9, x].tolist()) for x in (5, 15, 25, 35)] == [RED, GREEN, third, YELLOW]


def test_cmyk_is_converted(tmp_path: Path) -> None:
    """No ink is white; full cyan takes the red away; half black halves what is left."""
    inks = np.zeros((48, 64, 4), np.uint8)
    inks[:, 16:32] = (255, 0, 0, 0)
    inks[:, 32:48] = (0, 255, 255, 128)
    inks[:, 48:] = (0, 0, 0, 255)
    expected = [(255, 255, 255), (0, 255, 255), (127, 0, 0), (0, 0, 0)]
    for name, options in (("a.tif", {}), ("a.jpg", {"quality": 95, "subsampling": 0})):
        Image.fromarray(inks, "CMYK").save(tmp_path / name, **options)
        image = read_image(tmp_path / name)
        np.testing.assert_allclose(image[20, [8, 24, 40, 56]], expected, atol=4, err_msg=name)


def test_a_cmyk_jpeg_is_stored_inverted_as_adobe_does(tmp_path: Path) -> None:
    """OpenCV agrees, and an `Adobe` marker stands in the file."""
    cv2 = pytest.importorskip("cv2")
    inks = np.full((48, 48, 4), (200, 20, 60, 10), np.uint8)
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()[:400]
    other = cv2.imread(str(tmp_path / "a.jpg"))[..., ::-1]
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg"), other, atol=3)


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, color_type: int, channels: int) -> None:
    """0x8080 of 0xffff is 128 of 255, 1000 is 4; cutting off at 255 or low bytes would differ."""
    values = np.array([0, 1000, 0x8080, 65535, 300, 40000])
    pixels = np.full((40, 48, channels), 65535, ">u2")
    pixels[..., : channels - 1 if channels in (2, 4) else channels] = values.repeat(8)[
        None, :, None
    ]
    image = read_image(png(tmp_path / "a.png", 16, color_type, pixels))
    expected = np.round(values.repeat(8) / 257)[None, :, None]
    np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=1)


def test_sixteen_bit_tiffs_are_scaled_to_eight(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(40, 0)
    image = read_image(save(tmp_path / "a.tif", grey))
    np.testing.assert_array_equal(image[..., 1], np.round(grey / 257))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pictures_without_a_known_white_are_refused(tmp_path: Path, dtype: type) -> None:
    path = save(tmp_path / "a.tif", np.arange(1600, dtype=dtype).reshape(40, 40))
    with pytest.raises(DataError, match="32-bit pixels"):
        read_image(path)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng", "a.png", "a.mpo"])
def test_the_first_picture_of_an_animation_counts(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (50, 40), color) for color in (BLUE, RED, GREEN)]
    options = {"lossless": True} if name.endswith("webp") else {}
    kind = "PNG" if name.endswith("png") else None
    frames[0].save(
        tmp_path / name, kind, save_all=True, append_images=frames[1:], duration=90, **options
    )
    assert Image.open(tmp_path / name).n_frames == 3
    image = read_image(tmp_path / name)
    np.testing.assert_allclose(image, np.broadcast_to(BLUE, image.shape), atol=2)  # of a JPEG


# What is stored, as an index into the upright picture's corners: EXIF 2.32, tag Orientation.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_pictures_are_turned_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = np.ascontiguousarray(STORED[orientation](quarters(120, 80)))
    options = {"quality": 95} if suffix == "jpg" else {}
    path = save(tmp_path / f"a.{suffix}", stored, exif=exif, **options)
    image = read_image(path)
    assert image.shape == (80, 120, 3)
    np.testing.assert_allclose(corners(image), [RED, GREEN, BLUE, YELLOW], atol=12)
    crop, matrix = read_crop(path, 40)
    np.testing.assert_allclose(corners(crop), [RED, GREEN, BLUE, YELLOW], atol=12)
    np.testing.assert_allclose(matrix, [[0.5, 0, -10.25], [0, 0.5, -0.25]])  # 20 columns off


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_points_of_a_picture_as_stored_are_turned_with_it(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    """The four corners of 120 x 80, found in the picture as stored by their index there."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    y, x = np.mgrid[:80, :120]
    places = STORED[orientation](np.stack([x, y], axis=-1))
    path = save(tmp_path / f"a.{suffix}", np.zeros((120, 80, 3), np.uint8), exif=exif)
    to_crop = read_crop(path, 40)[1]
    stored_to_crop = read_crop(path, 40, (80, 120))[1]
    for row, column in ((0, 0), (0, 79), (119, 0), (119, 79), (30, 50)):
        expected = apply_affine(to_crop, places[row, column][None])
        np.testing.assert_allclose(
            apply_affine(stored_to_crop, np.array([[column, row]])), expected, atol=1e-4
        )
    np.testing.assert_array_equal(read_crop(path, 40, (120, 80))[1], to_crop)
    for size_wh in ((240, 160), (240, 0), (0, 160)):
        with pytest.raises(DataError, match=r"120 x 80 pixels, but was annotated at (240|0) x "):
            read_crop(path, 40, size_wh)


@pytest.mark.parametrize("orientation", [1, 3])
def test_a_picture_that_keeps_its_sides_has_only_one_size(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = save(tmp_path / "a.jpg", np.zeros((80, 120, 3), np.uint8), exif=exif)
    np.testing.assert_array_equal(read_crop(path, 40, (120, 80))[1], read_crop(path, 40)[1])
    with pytest.raises(DataError, match="120 x 80 pixels, but was annotated at 80 x 120"):
        read_crop(path, 40, (80, 120))


@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 7])
@pytest.mark.parametrize(("width", "height"), [(961, 643), (1187, 1403)])
def test_a_shrunk_jpeg_keeps_points_where_its_matrix_says(
    tmp_path: Path, orientation: int, width: int, height: int
) -> None:
    """A blob's centre of darkness within a twentieth of a pixel, though JPEG halves odd sides."""
    center = np.array([width / 2 + 83.0, height / 2 - 61.0])
    y, x = np.mgrid[:height, :width]
    blob = np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * 20.0**2))
    upright = np.repeat((255 * (1 - blob))[..., None].astype(np.uint8), 3, axis=2)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = np.ascontiguousarray(STORED[orientation](upright))
    path = save(tmp_path / "a.jpg", stored, exif=exif, quality=95)
    crop, matrix = read_crop(path, 100)
    darkness = (250.0 - crop[..., 0]).clip(0)
    rows, columns = np.mgrid[:100, :100]
    found = [(darkness * columns).sum() / darkness.sum(), (darkness * rows).sum() / darkness.sum()]
    expected = apply_affine(matrix.astype(float), center[None])[0]
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_small_pictures_are_enlarged(tmp_path: Path) -> None:
    crop, matrix = read_crop(save(tmp_path / "a.png", quarters(60, 40)), 100)
    assert crop.shape == (100, 100, 3)
    assert corners(crop) == [RED, GREEN, BLUE, YELLOW]
    np.testing.assert_allclose(matrix, [[2.5, 0, 2.5 * (0.5 - 10) - 0.5], [0, 2.5, 0.75]])


def test_tiny_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="200 x 31 pixels, expected at least 32"):
        read_crop(save(tmp_path / "a.png", quarters(200, 31)), 100)
    assert read_crop(save(tmp_path / "b.png", quarters(200, 32)), 100)[0].shape == (100, 100, 3)


def test_a_huge_jpeg_is_shrunk_and_a_huge_png_refused(tmp_path: Path) -> None:
    """96 million pixels: as JPEG decoded at an eighth, as PNG 288 MB, refused before decoding."""
    huge = Image.new("L", (12000, 8000), 90)
    huge.save(tmp_path / "a.jpg", quality=50)
    huge.save(tmp_path / "a.png", compress_level=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with large_pictures():
            assert (read_crop(tmp_path / "a.jpg", 64)[0] == 90).all()
            with pytest.raises(DataError, match="12000 x 8000 pixels, more than 90,000,000"):
                read_crop(tmp_path / "a.png", 64)


def forge(path: Path, width: int, height: int, channels: int) -> None:
    """Write a PNG whose header claims to be larger."""
    color_type = {1: 0, 4: 6}[channels]
    data = png(path, 8, color_type, np.zeros((1, 1, channels), np.uint8)).read_bytes()
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    """60,000 x 60,000 pixels in a file of some bytes."""
    forge(tmp_path / "a.png", 60_000, 60_000, channels=1)
    for read in (read_image, lambda path: read_crop(path, 64)):
        with pytest.raises(DataError, match=r"a\.png is not a picture that can be decoded"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.png is not a picture") as caught:
        read_image(tmp_path / "bad.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tif"])
def test_a_picture_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(DataError, match=rf"a\.{suffix} is not a picture"):
        read_crop(path, 40)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png cannot be read: No such file"):
        read_image(tmp_path / "a.png")


def test_only_the_known_formats_are_tried(tmp_path: Path) -> None:
    """Pillow would start Ghostscript for an EPS, under any name."""
    (tmp_path / "a.jpg").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n%%EOF\n"
    )
    Image.new("RGB", (64, 64)).save(tmp_path / "b.jpg", "PPM")
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(DataError, match="is not a picture of a known format"):
            read_image(tmp_path / name)


def test_heic_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    with pytest.raises(DataError, match=r"is a HEIC picture: convert HEIC first, .*heif-convert"):
        read_crop(tmp_path / "a.jpg", 40)


def test_the_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    stored = np.ascontiguousarray(STORED[6](quarters(120, 80)))
    Image.fromarray(stored).save(tmp_path / "a.jfif", "JPEG", exif=exif, quality=95)
    assert read_image(tmp_path / "a.jfif").shape == (80, 120, 3)
    if features.check("avif"):
        Image.fromarray(stored).save(tmp_path / "b", "AVIF", exif=exif, quality=100)
        np.testing.assert_allclose(
            corners(read_image(tmp_path / "b")), [RED, GREEN, BLUE, YELLOW], atol=12
        )


def test_what_is_no_regular_file_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to("/dev/zero")
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(DataError, match=f"{name} is not a regular file"):
            read_image(tmp_path / name)


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(FILE_BYTES + 1)  # no blocks
    with pytest.raises(DataError, match=r"a\.png has 400 MB, more than 400: shrink"):
        read_image(tmp_path / "a.png")


def test_a_small_file_that_would_take_much_memory_is_refused(tmp_path: Path) -> None:
    """64 million pixels with an alpha channel: 16 bytes of each are 1.02 GB."""
    forge(tmp_path / "a.png", 8000, 8000, channels=4)
    expected = r"a\.png is PNG of 8000 x 8000 pixels, and decoding it needs 1\.0 GB, more than 1"
    with pytest.raises(DataError, match=expected):
        read_image(tmp_path / "a.png")


def test_decoding_waits_for_the_memory_of_other_threads(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", quarters(50, 40))
    done = threading.Event()
    reader = threading.Thread(target=lambda: (read_image(path), done.set()))
    with DECODED.hold(DECODED_BYTES):
        reader.start()
        assert not done.wait(0.2)
    reader.join(5)
    assert done.is_set()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's figures")
def test_threads_keep_no_memory_of_large_pictures(tmp_path: Path) -> None:
    """Six decode 64 MB each, and are still there when the memory is measured."""
    Image.new("RGBA", (4000, 4000)).save(tmp_path / "a.png", compress_level=1)
    code = """if True:
        import sys, threading
        from pathlib import Path
        from lmk.data.decode import read_crop

        def work():
            read_crop(Path(sys.argv[1]), 64)
            done.wait()
            over.wait()

        done, over = threading.Barrier(7), threading.Event()
        for _ in range(6):
            threading.Thread(target=work).start()
        done.wait()
        print(Path("/proc/self/status").read_text())
        over.set()
    """
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True, text=True, check=True
    )
    kept_kb = int(re.search(r"VmRSS:\s+(\d+)", done.stdout)[1])
    assert kept_kb < 150_000


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_bytes_are_decoded_as_their_file(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = save(tmp_path / "a.jpg", quarters(50, 40), exif=exif)
    image = decode_image(path.read_bytes(), "a")
    assert image.shape == ((50, 40, 3) if orientation == 6 else (40, 50, 3))
    np.testing.assert_array_equal(image, read_image(path))


def test_bytes_that_are_no_picture_are_named_in_the_error(monkeypatch) -> None:
    with pytest.raises(DataError, match=r"^row 3 is not a picture of a known format"):
        decode_image(b"nothing", "row 3")
    monkeypatch.setattr("lmk.data.decode.FILE_BYTES", 5)
    with pytest.raises(DataError, match=r"^row 4 has 0 MB, more than 0: shrink it first"):
        decode_image(b"nothing", "row 4")
