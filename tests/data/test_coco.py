from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from lmk.data.annotations import image_paths, read_annotations
from lmk.data.coco import load_keypoints
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

NAMES = ["left_eye", "right_eye", "nose"]


def write_set(folder, annotations: list[dict], names=NAMES, size_wh=(320, 200), images=2):
    (folder / "images").mkdir()
    entries = []
    for i in range(images):
        cv2.imwrite(str(folder / "images" / f"{i}.png"), np.full((*size_wh[::-1], 3), 9 * i + 9))
        entries.append({"id": i, "file_name": f"{i}.png"})
    content = {
        "images": entries,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "face", "keypoints": names}],
    }
    (folder / "set.json").write_text(json.dumps(content))
    return folder / "set.json"


def annotation(image_id: int, *flat: float) -> dict:
    return {"id": image_id, "image_id": image_id, "keypoints": list(flat)}


def test_points_are_moved_into_the_frame_of_the_crop(tmp_path) -> None:
    """A 320 x 200 image loses 60 columns a side; its 200 px square becomes 160 px, scale 0.8."""
    file = write_set(
        tmp_path,
        [
            annotation(0, 60, 0, 2, 259, 199, 2, 0, 0, 0),
            annotation(1, 160, 100, 1, 0, 0, 0, 1, 2, 2),
        ],
    )
    data = load_keypoints(file, Reporter())
    assert data.crops.shape == (2, 160, 160, 3)
    assert data.names == NAMES
    expected = [[0.5 * 0.8 - 0.5] * 2, [199.5 * 0.8 - 0.5] * 2]
    np.testing.assert_allclose(data.xy_crop[0, :2], expected, atol=1e-4)
    np.testing.assert_allclose(data.xy_crop[1, 0], [100.5 * 0.8 - 0.5] * 2, atol=1e-4)
    np.testing.assert_array_equal(data.labelled, [[True, True, False], [True, False, True]])
    assert (data.crops[0] == 9).all()
    assert (data.crops[1] == 18).all()


def test_mirrored_order_swaps_left_and_right(tmp_path) -> None:
    file = write_set(tmp_path, [annotation(0, *range(9))])
    assert load_keypoints(file, Reporter()).mirrored_order() == [1, 0, 2]


def test_points_of_other_categories_are_left_out(tmp_path) -> None:
    cat, dog = annotation(0, *range(9)), annotation(1, *range(6))
    file = write_set(tmp_path, [cat | {"category_id": 1}, dog | {"category_id": 2}])
    content = json.loads(file.read_text())
    content["categories"] = [
        {"id": 3, "name": "stuff"},
        *content["categories"],
        {"id": 2, "name": "dog", "keypoints": ["tail", "nose"]},
    ]
    file.write_text(json.dumps(content))
    data = load_keypoints(file, Reporter())
    assert data.names == NAMES
    assert len(data.crops) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["images"][1].update(id=0),
        lambda content: content["images"][0].pop("id"),
        lambda content: content["images"][0].pop("file_name"),
        lambda content: content["annotations"][0].pop("image_id"),
        lambda content: content["annotations"][0].update(keypoints=None),
        lambda content: content["annotations"][0].update(keypoints=["a"] * 9),
        lambda content: content["annotations"][0].update(bbox=[1, 2, 3]),
        lambda content: content.update(images={"id": 3}),
        lambda content: content.update(categories=["face"]),
    ],
)
def test_a_file_of_another_shape_is_one_clear_error(tmp_path, change) -> None:
    file = write_set(tmp_path, [annotation(0, *range(9))])
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        load_keypoints(file, Reporter())
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_box_is_none(tmp_path) -> None:
    file = write_set(tmp_path, [annotation(0, *range(9)) | {"bbox": []}])
    assert np.isnan(read_annotations(file, Reporter()).boxes_xywh[0]).all()


def test_a_place_that_is_no_number_is_not_labelled(tmp_path) -> None:
    given = [5, 6, 2, float("nan"), 8, 2, 9, None, 1]
    found = load_keypoints(write_set(tmp_path, [annotation(0, *given)]), Reporter())
    np.testing.assert_array_equal(found.labelled, [[True, False, False]])
    assert np.isfinite(found.xy_crop).all()


def test_the_hash_of_annotations_changes_with_each_of_their_parts(tmp_path) -> None:
    file = write_set(tmp_path, [annotation(0, *range(9))])
    data = load_keypoints(file, Reporter())
    others = [
        replace(data, xy_crop=data.xy_crop + 1),
        replace(data, labelled=~data.labelled),
        replace(data, names=NAMES[::-1]),
    ]
    assert len({other.annotation_sha256 for other in [data, *others]}) == 4


def test_image_paths_read_no_annotation(tmp_path) -> None:
    file = write_set(tmp_path, [])
    assert [path.name for path in image_paths(file)] == ["0.png", "1.png"]
    assert all(path.is_file() for path in image_paths(file))


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ([], "no annotated keypoints"),
        ([annotation(0, 1, 2, 2)], "3 numbers, expected 3 x 3"),
        ([annotation(0, *range(9))] * 2, "two objects"),
    ],
)
def test_unusable_annotations_are_one_clear_error(tmp_path, annotations, message) -> None:
    file = write_set(tmp_path, annotations)
    with pytest.raises(DataError, match=message) as caught:
        load_keypoints(file, Reporter())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not JSON"), ("{}", "images is missing"), (None, "cannot be read")]
)
def test_a_broken_file_is_one_clear_error(tmp_path, text, message) -> None:
    if text is not None:
        (tmp_path / "set.json").write_text(text)
    with pytest.raises(DataError, match=message):
        load_keypoints(tmp_path / "set.json", Reporter())
