from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import full_disk
from video.sinks.results import found, named, picture, result, write_all

from lmk.data.annotations import read_annotations
from lmk.system.errors import OutputError
from lmk.system.progress import Reporter
from lmk.video.result import Objects
from lmk.video.sinks.coco import coco_sink


def only(objects: Objects, row: int) -> Objects:
    """One of two objects."""
    fields = ("ids", "boxes", "angles", "xy", "scores", "opacity", "confidence")
    fields += ("points", "points_opacity")
    return replace(objects, **{name: getattr(objects, name)[row : row + 1] for name in fields})


def written(path: Path, *results) -> dict:
    write_all(coco_sink(path), results)
    assert not [one for one in path.parent.iterdir() if one.suffix == ".partial"]
    return json.loads(path.read_text())


def test_images_annotations_and_categories_are_of_coco(tmp_path: Path) -> None:
    both = (named(), found())
    content = written(
        tmp_path / "out.json",
        result(0, 0.0, picture(1, (64, 48)), objects=()),
        result(4, 0.2, picture(1, (30, 20)), source="camera 1", objects=both),
    )
    assert content["images"] == [
        {"id": 1, "file_name": "clip-000000.png", "width": 64, "height": 48},
        {"id": 2, "file_name": "camera-1-000004.png", "width": 30, "height": 20},
    ]
    assert content["categories"] == [
        {
            "id": 1,
            "name": "feet",
            "keypoints": ["left_pupil", "right_pupil", "tip"],
            "skeleton": [[1, 3], [2, 3]],
        },
        {"id": 2, "name": "dots", "keypoints": ["0", "1"], "skeleton": []},
    ]
    annotations = content["annotations"]
    keys = [(one["id"], one["image_id"], one["category_id"]) for one in annotations]
    assert keys == [(1, 2, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2)]
    second = annotations[1]
    assert second["keypoints"] == [7, 8, 2, 0, 0, 0, 11, 12.123, 1]  # seen, lost, held
    assert (second["num_keypoints"], second["iscrowd"], second["track_id"]) == (2, 0, 8)
    assert (second["bbox"], second["area"], second["score"]) == ([5, 6, 7, 8], 56, 0.175)


def test_the_box_of_a_turned_object_is_the_upright_one_round_it(tmp_path: Path) -> None:
    content = written(tmp_path / "out.json", result(0, 0.0))
    box = found().boxes[0].astype(float)
    turn = math.radians(31.23)
    corners = (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * box[2:] / 2) @ [
        [math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)],
    ] + box[:2] + box[2:] / 2  # fmt: skip
    low, high = corners.min(0), corners.max(0)
    np.testing.assert_allclose(content["annotations"][0]["bbox"], [*low, *(high - low)], atol=2e-3)


def test_what_is_written_beside_or_above_its_pictures_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    names = ["a.png", "sub/b.png"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), picture(9))
    for place in (folder, tmp_path):
        results = [
            result(k, 0.0, name=name, source=str(folder), objects=(only(named(), k),))
            for k, name in enumerate(names)
        ]
        written(place / "few.json", *results)
        given = read_annotations(place / "few.json", Reporter())
        assert given.paths == [folder / name for name in names]
        assert all(path.is_file() for path in given.paths)
        assert given.names == ["left_pupil", "right_pupil", "tip"]
        assert given.labelled.tolist() == [[True] * 3, [True, False, True]]
        np.testing.assert_allclose(
            given.xy_image[given.labelled], named().points.reshape(6, 2)[[0, 1, 2, 3, 5]], atol=1e-3
        )
        np.testing.assert_allclose(given.boxes_xywh[1], found().boxes[1])
        assert given.sizes_wh.tolist() == [[64, 48]] * 2


def test_a_single_picture_is_named_as_its_file(tmp_path: Path) -> None:
    photo = tmp_path / "in" / "a.png"
    photo.parent.mkdir()
    cv2.imwrite(str(photo), picture(9))
    one = result(0, 0.0, name="a.png", source=str(photo))
    assert written(tmp_path / "o.json", one)["images"][0]["file_name"] == "in/a.png"


def test_pictures_elsewhere_have_their_own_names_of_which_none_is_there_twice(
    tmp_path: Path,
) -> None:
    sources = [tmp_path / name for name in ("one/in", "two/in")]
    for source in sources:
        source.mkdir(parents=True)
    results = [
        result(0, 0.0, name=name, source=str(source)) for source in sources for name in ("a", "b/c")
    ]
    content = written(tmp_path / "out" / "o.json", *results)
    names = [image["file_name"] for image in content["images"]]
    assert names == ["a", "b/c", "in-2/a", "in-2/b/c"]


def test_a_run_that_fails_leaves_what_it_found_and_an_earlier_file_stays_until_then(
    tmp_path: Path,
) -> None:
    path = tmp_path / "out.json"
    path.write_text("earlier")

    def frames():
        yield result(0, 0.0)
        assert path.read_text() == "earlier"
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_all(coco_sink(path), frames())
    assert len(json.loads(path.read_text())["images"]) == 1


def test_a_run_without_frames_is_a_file_without_images(tmp_path: Path) -> None:
    empty = {"images": [], "annotations": [], "categories": []}
    assert written(tmp_path / "new" / "out.json") == empty


def test_a_full_disk_is_an_error_and_an_earlier_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("earlier")
    with full_disk(20_000), pytest.raises(OutputError, match="Free space"):
        write_all(coco_sink(path), (result(index, 0.0) for index in range(1000)))
    assert path.read_text() == "earlier"


def test_a_long_run_takes_no_memory_that_grows(tmp_path: Path) -> None:
    with coco_sink(tmp_path / "out.json") as sink:
        one = result(0, 0.0)
        for _ in range(50):
            sink.write(one)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(1000):
            sink.write(one)
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    assert grown < 50_000
