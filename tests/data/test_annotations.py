from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import NAMES, write_coco
from PIL import Image

from lmk.data.annotations import read_annotations
from lmk.data.coco import load_keypoints
from lmk.data.pack import pack
from lmk.data.show import show
from lmk.evaluation.annotated import load_annotated
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

Content = dict[str, list[dict[str, Any]]]


def edited(file: Path, change: Callable[[Content], object]) -> Path:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file


def every(part: str, field: str, make: Callable[[Any], Any]) -> Callable[[Content], object]:
    """Replace a field of every entry by what `make` makes of its id."""

    def change(content: Content) -> None:
        for entry in content[part]:
            entry[field] = make(entry["id"])

    return change


@pytest.mark.parametrize(
    "change",
    [
        every("annotations", "image_id", str),
        every("images", "id", str),
        every("annotations", "image_id", float),
        every("annotations", "category_id", lambda _: "1"),
        every("annotations", "category_id", lambda _: None),
        lambda content: content["annotations"][1].update(image_id="1"),
    ],
)
def test_ids_match_as_numbers_and_as_text(tmp_path: Path, capsys, change) -> None:
    file = write_coco(tmp_path, 4)
    expected = read_annotations(file, Reporter())
    found = read_annotations(edited(file, change), Reporter())
    np.testing.assert_array_equal(found.xy_image, expected.xy_image)
    np.testing.assert_array_equal(found.labelled, expected.labelled)
    assert found.annotated.all()
    assert not capsys.readouterr().err


def test_what_is_left_out_is_counted_in_one_line(tmp_path: Path, capsys) -> None:
    """Of 6 objects 1 has no point; beside the others are 2 crowds and 6 more without an object."""
    file = write_coco(tmp_path, 6)

    def add(content: Content) -> None:
        entries = content["annotations"]
        good = dict(entries[0])
        entries[3].update(keypoints=[], bbox=[0, 0, 0, 0])
        entries += [good | {"iscrowd": 1}, good | {"iscrowd": True, "keypoints": [0] * 9}]
        entries += [good | {"keypoints": points} for points in ([], None, [0] * 9, [5, 6, 0] * 3)]
        entries += [good | {"image_id": 99}, good | {"category_id": 2, "keypoints": [1, 2, 2]}]

    found = read_annotations(edited(file, add), Reporter())
    assert found.annotated.tolist() == [True, True, True, False, True, True]
    np.testing.assert_array_equal(found.xy_image[0, 0], [20, 10])
    assert capsys.readouterr().err.splitlines() == [
        f"warning: {file}: left out 9 annotations: 5 without any point, 2 of a crowd, 1 without a "
        "picture, 1 of another category"
    ]


def test_pictures_without_a_point_are_not_loaded(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 3)
    edited(file, lambda content: content["annotations"][1].update(keypoints=[0] * 9))
    loaded = load_keypoints(file, Reporter())
    assert len(loaded.crops) == 2
    assert loaded.labelled.any(axis=1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"].append(c["annotations"][1]),
         r"001\.png has two objects, annotations\[1\] and annotations\[3\]: expected one object"),
        (lambda c: c["annotations"][1]["keypoints"].__setitem__(4, float("inf")),
         r"annotations\[1\]\.keypoints\[4\] is inf, expected at most 100,000 pixels"),
        (lambda c: c["annotations"][1]["keypoints"].__setitem__(0, -1e300),
         r"annotations\[1\]\.keypoints\[0\] is -1e\+300"),
        (lambda c: c["annotations"][1]["keypoints"].__setitem__(3, True),
         r"annotations\[1\]\.keypoints\[3\] is true, expected"),
        (lambda c: c["annotations"][1]["keypoints"].__setitem__(3, "7"),
         r"annotations\[1\]\.keypoints\[3\] is \"7\", expected"),
        (lambda c: c["annotations"][2].update(keypoints=[1] * 8),
         r"annotations\[2\]\.keypoints has 8 numbers, expected 3 x 3"),
        (lambda c: c["annotations"][2].update(bbox=[1, 2, 3]),
         r"annotations\[2\]\.bbox has 3 numbers, expected 4"),
        (lambda c: c["annotations"][2].update(bbox=[1, 2, 3, 1e9]), r"annotations\[2\]\.bbox\[3\]"),
        (lambda c: c["annotations"][2].update(iscrowd="no"), r"annotations\[2\]\.iscrowd is"),
        (lambda c: c["annotations"][2].pop("image_id"), r"annotations\[2\]\.image_id is missing"),
        (lambda c: c["categories"].append({"id": "1"}),
         r"categories\[0\] and categories\[1\] have the same id"),
        (lambda c: c["categories"][0].update(keypoints=["a", "b", "a"]),
         r"categories\[0\]\.keypoints\[0\] and categories\[0\]\.keypoints\[2\] have the same name"),
        (lambda c: c["categories"][0].update(keypoints=["a", 7, "c"]),
         r"categories\[0\]\.keypoints\[1\] is 7, expected str"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, change, message: str) -> None:
    file = edited(write_coco(tmp_path, 3), change)
    with pytest.raises(DataError, match=message) as caught:
        read_annotations(file, Reporter())
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_points_beyond_the_picture_and_unlabelled_ones_may_be_anywhere(tmp_path: Path) -> None:
    given = [-5, 900, 2, float("inf"), 1e300, 0, 3, 4, 1]
    file = edited(write_coco(tmp_path, 1), lambda c: c["annotations"][0].update(keypoints=given))
    found = read_annotations(file, Reporter())
    assert found.labelled.tolist() == [[True, False, True]]
    assert found.xy_image.tolist() == [[[-5, 900], [0, 0], [3, 4]]]


def test_more_points_than_memory_holds_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("lmk.data.annotations.MAX_POINTS", 8)
    with pytest.raises(DataError, match=r"has 9 points, .* at most 8"):
        read_annotations(write_coco(tmp_path, 3), Reporter())


ORIENTATION = 0x112
TURNED = {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
          7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}  # fmt: skip


def write_turned(folder: Path, orientation: int, as_stored: bool) -> Path:
    """Twelve upright pictures of 80 x 60, stored turned, with one white pixel block as a point.

    The point is annotated in the picture as stored, found there, or upright.
    """
    file = write_coco(folder, 12)
    content = json.loads(file.read_text())
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    for image, entry in zip(content["images"], content["annotations"], strict=True):
        upright = np.zeros((60, 80, 3), np.uint8)
        upright[38:43, 23:28] = 255  # its middle is at 25, 40
        stored = Image.fromarray(upright).transpose(TURNED[orientation])
        stored.save(folder / "images" / image["file_name"], exif=exif)
        seen = np.asarray(stored) if as_stored else upright
        y, x = np.argwhere(seen[..., 0] > 0).mean(axis=0)
        image.update(height=seen.shape[0], width=seen.shape[1])
        entry.update(keypoints=[x, y, 2] + [0] * 6, bbox=[x, y, 30, 40])
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("as_stored", [True, False])
@pytest.mark.parametrize("orientation", TURNED)
def test_points_are_turned_with_their_picture(
    tmp_path: Path, orientation: int, as_stored: bool
) -> None:
    """80 x 60 upright: 10 columns go on each side, and 60 px become 48, so the scale is 0.8."""
    file = write_turned(tmp_path, orientation, as_stored)
    expected = np.array([(25 + 0.5 - 10) * 0.8 - 0.5, (40 + 0.5) * 0.8 - 0.5])
    packed = pack(file, tmp_path / "packed", Reporter(), 48)
    assert packed.keypoints is not None
    np.testing.assert_allclose(
        packed.keypoints.xy_crop[:, 0], np.tile(expected, (12, 1)), atol=1e-4
    )
    for resized, given in (
        (160, load_keypoints(file, Reporter()).xy_crop[:, 0]),
        (128, load_annotated(file, Reporter()).xy_input[:, 0]),
        (200, np.array(show(file, tmp_path / "s.png", Reporter()).xy_crop)[:, 0]),
    ):
        np.testing.assert_allclose(given - ((expected + 0.5) * resized / 48 - 0.5), 0, atol=1e-3)
    diagonal = load_annotated(file, Reporter()).diagonal_px
    np.testing.assert_allclose(diagonal, 50 * 128 / 60, rtol=1e-5)


def test_a_size_that_is_not_the_pictures_is_refused_with_both(tmp_path: Path, capsys) -> None:
    file = write_coco(tmp_path, 4)
    edited(file, lambda c: [image.update(width=4000, height=3000) for image in c["images"]])
    message = r"000\.png is 80 x 60 pixels, but was annotated at 4000 x 3000"
    for read in (load_keypoints, load_annotated):
        with pytest.raises(DataError, match=message):
            read(file, Reporter())
    with pytest.raises(DataError, match=message):
        pack(file, tmp_path / "packed", Reporter(), 48)
    with pytest.raises(DataError, match="none of the chosen"):
        show(file, tmp_path / "s.png", Reporter())
    assert "80 x 60 pixels, but was annotated at 4000 x 3000" in capsys.readouterr().err


@pytest.mark.parametrize("size", [{}, {"width": 0, "height": 0}, {"width": None}, {"height": 60}])
def test_a_size_that_is_not_given_is_believed_to_be_the_pictures(tmp_path: Path, size) -> None:
    file = write_coco(tmp_path, 2)
    expected = load_keypoints(file, Reporter()).xy_crop
    edited(file, lambda c: [image.update(size) for image in c["images"]])
    np.testing.assert_array_equal(load_keypoints(file, Reporter()).xy_crop, expected)


def test_a_wrong_size_of_a_picture_without_points_does_no_harm(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 2, without=(1,))
    edited(file, lambda c: c["images"][1].update(width=4000, height=3000))
    assert len(load_annotated(file, Reporter()).images) == 2


def test_sets_outside_their_folder_are_packed_when_asked(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 2)
    (tmp_path / "lists").mkdir()
    file = file.rename(tmp_path / "lists" / "set.json")
    edited(file, lambda c: [i.update(file_name=f"../images/{i['file_name']}") for i in c["images"]])
    with pytest.raises(DataError, match="lmk data pack --outside"):
        load_keypoints(file, Reporter())
    packed = pack(file, tmp_path / "packed", Reporter(), 48, outside=True)
    assert packed.keypoints is not None
    assert packed.keypoints.names == NAMES
