"""Crops of dots at known places, and of the face in the demo's photograph."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from colour_detector import METADATA, dots_image, save_detector
from PIL import Image

from lmk.cropping.crop import crop_objects
from lmk.cropping.cropped import Cropped
from lmk.cropping.objects import ObjectFinder
from lmk.data.decode import read_image
from lmk.data.photograph import FACE_SIDE, FACE_XY, PHOTOGRAPH, photograph
from lmk.model.framing import Framing
from lmk.system.errors import DataError, UsageError
from lmk.system.progress import Reporter

MEAN = np.array([[40, 45], [86, 42], [64, 95]], np.float32)
FRAMING = Framing(tuple(map(tuple, MEAN.tolist())), spread_px=4.0, score=0.6)
ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def dots(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model whose landmarks are the dots of a picture."""
    file = tmp_path_factory.mktemp("dots") / "dots.onnx"
    return str(save_detector(file, {**METADATA, "framing": FRAMING.to_json()}))


@pytest.fixture(scope="module")
def faces() -> ObjectFinder:
    return ObjectFinder("faces-small")


def crop(photos: Path, finder: ObjectFinder, **options) -> Cropped:
    return crop_objects(photos, photos.parent / "crops", finder, Reporter(), **options)


def table(photos: Path) -> list[dict[str, str]]:
    with (photos.parent / "crops" / "crops.csv").open() as file:
        return list(csv.DictReader(file))


def square(row: dict[str, str]) -> list[float]:
    return [float(row[name]) for name in ("x", "y", "width", "height")]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_an_object_is_where_it_was_in_training(photos: Path, dots: str, margin: float) -> None:
    """The dots lie as in training in a square of side 96 at (100, 60), not in the region's box."""
    places = (MEAN + 0.5) * 96 / 128 + (100, 60) - 0.5
    cv2.imwrite(str(photos / "dots.png"), dots_image((320, 240), places, sigma=3))
    finder = ObjectFinder(dots, "box:90,40,150,130", margin)
    done = crop(photos, finder, size=200, lossless=True)
    (row,) = table(photos)
    assert (row["file"], row["source"]) == ("images/dots-1.png", "dots.png")
    border = 96 * margin
    expected = [100 - border, 60 - border, *[96 + 2 * border] * 2]
    np.testing.assert_allclose(square(row), expected, atol=0.3)
    mass = 255 * 2 * np.pi * 9 * (128 / 150) ** 2
    assert float(row["score"]) == pytest.approx(mass / (mass + 1000), abs=1e-2)
    assert (done.pictures, len(done.rows), done.rest()) == (1, 1, [])

    pixels = read_image(photos.parent / "crops" / row["file"])
    assert pixels.shape == (200, 200, 3)
    for channel, place in enumerate(MEAN):
        y, x = np.unravel_index(pixels[..., channel].argmax(), (200, 200))
        share = ((place + 0.5) / 128 + margin) / (1 + 2 * margin)
        np.testing.assert_allclose((x, y), share * 200 - 0.5, atol=2)


def test_a_face_is_found_upright_and_in_grey_in_the_same_square(
    photos: Path, faces: ObjectFinder
) -> None:
    """Orientation 6: to be seen upright, the stored picture is turned clockwise."""
    upright = Image.open(PHOTOGRAPH)
    upright.save(photos / "a.png")
    upright.convert("L").save(photos / "grey.png")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    upright.rotate(90, expand=True).save(photos / "turned.jpg", exif=exif, quality=97)
    crop(photos, faces)
    rows = table(photos)
    assert [row["file"] for row in rows] == [f"images/{n}-1.jpg" for n in ("a", "grey", "turned")]
    x, y, width, height = square(rows[0])
    assert width == height == pytest.approx(FACE_SIDE, rel=0.1)
    np.testing.assert_allclose((x + width / 2, y + height / 2), FACE_XY, atol=0.05 * FACE_SIDE)
    np.testing.assert_allclose([square(row) for row in rows[1:]], [square(rows[0])] * 2, atol=2)
    first, grey, turned = (
        read_image(photos.parent / "crops" / row["file"]).astype(float) for row in rows
    )
    assert first.shape == (160, 160, 3)
    assert np.ptp(grey, axis=2).max() == 0
    assert np.abs(first - turned).mean() < 4
    assert np.abs(first - turned[::-1]).mean() > 20


def test_beyond_the_picture_its_edge_is_repeated(photos: Path) -> None:
    """The face starts at y = 61 and is 124 high: with a margin of 1 the crop starts at -63."""
    cv2.imwrite(str(photos / "a.png"), photograph())
    crop(photos, ObjectFinder("faces-small", margin=1.0), lossless=True)
    (row,) = table(photos)
    _, y, _, height = square(row)
    outside = int(-y / height * 160)
    assert 20 < outside < 40
    pixels = read_image(photos.parent / "crops" / row["file"]).astype(int)
    assert (pixels[: outside - 1] == pixels[0]).all()
    assert (pixels[outside + 40] != pixels[0]).any()


def test_every_object_has_a_file_of_its_own(photos: Path, faces: ObjectFinder) -> None:
    image = photograph()[:260, 80:380]
    for folder in ("a", "b"):
        (photos / folder).mkdir()
        cv2.imwrite(str(photos / folder / "x.jpg"), image)
    cv2.imwrite(str(photos / "a" / "x.png"), np.hstack([image, image[:, ::-1]]))
    crop(photos, faces)
    rows = table(photos)
    assert [(row["file"], row["source"]) for row in rows] == [
        ("images/a_x-1.jpg", "a/x.jpg"),
        ("images/a_x~2-1.jpg", "a/x.png"),
        ("images/a_x~2-2.jpg", "a/x.png"),
        ("images/b_x-1.jpg", "b/x.jpg"),
    ]
    files = sorted((photos.parent / "crops" / "images").iterdir())
    assert [f"images/{file.name}" for file in files] == sorted(row["file"] for row in rows)
    assert not (photos.parent / "crops" / "skipped.txt").exists()
    sheet = cv2.imread(str(photos.parent / "crops" / "sheet.png"))
    assert sheet.shape[1] == 4 * 210 + 10
    assert 200 < sheet.shape[0] < 300


def test_pictures_without_a_crop_are_listed_with_the_reason(
    photos: Path, faces: ObjectFinder
) -> None:
    cv2.imwrite(str(photos / "face.jpg"), photograph())
    cv2.imwrite(str(photos / "blank.png"), np.full((90, 120, 3), 130, np.uint8))
    (photos / "broken.jpg").write_bytes(b"broken")
    done = crop(photos, faces)
    assert [row["source"] for row in table(photos)] == ["face.jpg"]
    assert (photos.parent / "crops" / "skipped.txt").read_text().splitlines() == [
        "broken.jpg is not a picture of a known format",
        "blank.png shows no object: nothing was found",
    ]
    assert done.rest()[:2] == [
        "no object in 1 of 3 pictures",
        "1 cannot be used, the first: broken.jpg is not a picture of a known format",
    ]


def test_a_picture_is_cropped_without_its_folder(photos: Path, faces: ObjectFinder) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(photos / name), photograph())
    done = crop_objects(photos / "b.png", photos.parent / "crops", faces, Reporter())
    assert [row.source for row in done.rows] == ["b.png"]


def test_where_nothing_is_found_there_is_an_error_and_no_folder(
    photos: Path, faces: ObjectFinder
) -> None:
    (photos / "broken.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"no picture of .*photos can be used: broken.jpg is not"):
        crop(photos, faces)
    cv2.imwrite(str(photos / "blank.png"), np.full((90, 120, 3), 130, np.uint8))
    with pytest.raises(DataError, match=r"no object was found in .*Try another --region") as error:
        crop(photos, faces)
    assert "no object in 1 of 2 pictures; 1 cannot be used" in str(error.value)
    with pytest.raises(DataError, match="absent does not exist: expected a folder of pictures"):
        crop(photos / "absent", faces)
    assert [path.name for path in photos.parent.iterdir()] == ["photos"]


def test_objects_that_were_left_out_are_named(photos: Path, dots: str) -> None:
    cv2.imwrite(str(photos / "dots.png"), dots_image((320, 240), MEAN + 50, sigma=3))
    finder = ObjectFinder(dots, "center", least_score=1.0)
    with pytest.raises(DataError, match=r"left out: 1 with a mean score below 1\. Try .*--score"):
        crop(photos, finder)


def test_a_folder_that_exists_is_kept(photos: Path, faces: ObjectFinder) -> None:
    cv2.imwrite(str(photos / "face.jpg"), photograph())
    (photos.parent / "crops").mkdir()
    (photos.parent / "crops" / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="crops already exists"):
        crop(photos, faces)
    assert [path.name for path in (photos.parent / "crops").iterdir()] == ["note.txt"]


def test_crops_are_not_put_among_the_photographs(photos: Path, faces: ObjectFinder) -> None:
    cv2.imwrite(str(photos / "face.png"), photograph())
    with pytest.raises(UsageError, match="choose another output"):
        crop_objects(photos, photos / "crops", faces, Reporter())
    assert [each.name for each in photos.iterdir()] == ["face.png"]
