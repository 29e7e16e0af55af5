from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from pictures import NAMES, write_coco, write_pictures

from lmk.data.coco import load_keypoints
from lmk.data.images import CROP_SIZE
from lmk.data.pack import pack
from lmk.data.packed import PackedCrops
from lmk.data.source import list_pictures, open_unlabelled
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def test_one_set_is_the_same_from_a_folder_a_coco_file_and_packed(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 12)
    (tmp_path / "images" / "008.png").write_bytes(b"broken")
    pack(tmp_path / "images", tmp_path / "packed", Reporter(), CROP_SIZE)
    folder, coco, packed = (
        open_unlabelled(source, Reporter())
        for source in (tmp_path / "images", file, tmp_path / "packed")
    )
    assert isinstance(packed.crops, PackedCrops)
    index = np.array([10, 0, 7])
    expected = [[i, 2 * i, 3 * i] for i in (11, 0, 7)]
    for opened in (folder, coco, packed):
        assert opened.crops.shape == (11, CROP_SIZE, CROP_SIZE, 3)
        assert opened.crops[index][:, 5, 6].tolist() == expected
        assert opened.sha256 == hashlib.sha256(np.asarray(folder.crops).tobytes()).hexdigest()
        assert len(opened.skipped) == 1
        assert "008.png is not a picture" in opened.skipped[0]


def test_of_a_coco_file_only_the_names_are_read(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 3)
    content = json.loads(file.read_text())
    content["annotations"], content["categories"] = ["nonsense"], "nonsense"
    file.write_text(json.dumps(content))
    assert len(open_unlabelled(file, Reporter()).crops) == 3


def test_one_picture_is_no_set(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 1)
    pack(tmp_path / "photos", tmp_path / "packed", Reporter(), 40)
    for source in (tmp_path / "photos", tmp_path / "packed"):
        with pytest.raises(DataError, match="has 1 images"):
            open_unlabelled(source, Reporter())


@pytest.mark.parametrize("name", ["absent", "photo.png", "clip.mp4"])
def test_what_is_no_source_says_what_is(tmp_path: Path, name: str) -> None:
    if name == "photo.png":
        write_pictures(tmp_path, 1)[0].rename(tmp_path / name)
    found = "is of another type" if name == "photo.png" else "does not exist"
    expected = rf"{found}: expected a folder of images, a COCO \.json file or a packed set"
    with pytest.raises(DataError, match=expected):
        open_unlabelled(tmp_path / name, Reporter())


def test_a_folder_is_listed_without_points(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "photos", 3)
    listed = list_pictures(tmp_path / "photos", Reporter())
    assert listed.paths == paths
    assert listed.xy_image.shape == (3, 0, 2)
    assert not listed.annotated.any()


def test_packed_keypoints_are_those_of_the_coco_file(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 7)
    pack(file, tmp_path / "packed", Reporter(), CROP_SIZE)
    loaded, packed = (load_keypoints(s, Reporter()) for s in (file, tmp_path / "packed"))
    assert packed.names == loaded.names == NAMES
    np.testing.assert_array_equal(packed.xy_crop, loaded.xy_crop)
    np.testing.assert_array_equal(packed.labelled, loaded.labelled)
    np.testing.assert_array_equal(np.asarray(packed.crops), loaded.crops)
    assert packed.sha256 == loaded.sha256


def test_keypoints_of_a_set_packed_without_are_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 3)
    pack(tmp_path / "photos", tmp_path / "packed", Reporter(), 40)
    with pytest.raises(DataError, match="packed without keypoints"):
        load_keypoints(tmp_path / "packed", Reporter())
