from __future__ import annotations

import errno
import importlib
import json
import struct

import cv2
import numpy as np
import pytest
from data.prepare.dotted import assert_dots_at_keypoints
from data.prepare.face_trees import write_mtfl
from scipy.io import savemat

from lmk.data.prepare import write
from lmk.data.prepare.catalogue import PUBLIC_SETS
from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError, OutputError, UsageError
from lmk.system.progress import Reporter


@pytest.fixture
def tree(tmp_path):
    write_mtfl(tmp_path / "MTFL", train=11)
    return tmp_path / "MTFL"


def left_in(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "MTFL")


def test_what_is_written_follows_the_layout_of_coco(tree, tmp_path) -> None:
    prepare("mtfl", tree, tmp_path / "out", Reporter(), size=96)
    assert left_in(tmp_path / "out") == ["images", "test.json", "train.json"]
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    assert content["info"]["description"] == "MTFL"
    assert content["info"]["url"].startswith("http")
    image, found = content["images"][10], content["annotations"][10]
    assert (image["width"], image["height"], image["source_crop_px"]) == (96, 96, 216)
    assert found["image_id"] == image["id"]
    assert found["num_keypoints"] == 5
    points = np.array(found["keypoints"]).reshape(5, 3)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    np.testing.assert_allclose(found["bbox"], [*low, *(high - low)], atol=0.011)
    crop = cv2.imread(str(tmp_path / "out" / "images" / image["file_name"]))
    assert crop.shape == (96, 96, 3)
    ids = [image["id"] for image in content["images"]]
    test = json.loads((tmp_path / "out" / "test.json").read_text())
    assert not {*ids} & {image["id"] for image in test["images"]}


def test_crops_keep_their_colours(tmp_path) -> None:
    write_mtfl(tmp_path / "MTFL")
    red = np.full((170, 200, 3), (10, 30, 220), np.uint8)
    cv2.imwrite(str(tmp_path / "MTFL" / "AFLW" / "1.jpg"), red)
    prepare("mtfl", tmp_path / "MTFL", tmp_path / "out", Reporter())
    content = json.loads((tmp_path / "out" / "test.json").read_text())
    crop = cv2.imread(str(tmp_path / "out" / "images" / content["images"][1]["file_name"]))
    np.testing.assert_allclose(crop.reshape(-1, 3).mean(axis=0), (10, 30, 220), atol=3)


def test_pictures_are_not_turned_by_their_exif_orientation(tree, tmp_path) -> None:
    """Points were annotated on the pixels as they are stored."""
    orientation = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + orientation
    for path in (tree / "AFLW").iterdir():
        content = path.read_bytes()
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        path.write_bytes(content[:2] + segment + content[2:])
        turned = cv2.imread(str(path)).shape
        assert turned[:2] == (200, 170)
    prepare("mtfl", tree, tmp_path / "out", Reporter())
    assert assert_dots_at_keypoints(tmp_path / "out" / "test.json") == 10


def test_a_few_unusable_pictures_are_skipped_counted_and_listed(tree, tmp_path, capsys) -> None:
    (tree / "lfw_5590" / "3.jpg").write_bytes(b"broken")
    done = prepare("mtfl", tree, tmp_path / "out", Reporter())
    assert done.images == {"test": 2, "train": 10}
    assert done.skipped[0].startswith("lfw_5590/3.jpg: ")
    assert (tmp_path / "out" / "skipped.txt").read_text().splitlines() == done.skipped
    warning = capsys.readouterr().err
    assert "skipped 1 of 13 objects" in warning
    assert "3.jpg is not a picture" in warning
    assert assert_dots_at_keypoints(tmp_path / "out" / "train.json") == 50


def test_many_missing_pictures_stop_the_work_and_name_the_page(tree, tmp_path) -> None:
    for number in (0, 4):
        (tree / "lfw_5590" / f"{number}.jpg").unlink()
    with pytest.raises(DataError, match=r"2 of 13 pictures of MTFL .*0\.jpg.*mmlab\.ie") as caught:
        prepare("mtfl", tree, tmp_path / "out", Reporter())
    assert "\n" not in str(caught.value)
    assert left_in(tmp_path) == []


def test_an_existing_folder_is_refused_before_any_work(tree, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    (tree / "training.txt").unlink()
    with pytest.raises(UsageError, match="out already exists"):
        prepare("mtfl", tree, tmp_path / "out", Reporter())


def test_a_full_disk_leaves_nothing_that_looks_finished(tree, tmp_path, monkeypatch) -> None:
    done = []

    def encode(crop) -> bytes:
        done.append(crop)
        if len(done) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return b"jpeg"

    monkeypatch.setattr(write, "_encode", encode)
    with pytest.raises(OutputError, match="No space left on device"):
        prepare("mtfl", tree, tmp_path / "out", Reporter())
    assert left_in(tmp_path) == []


def test_an_interruption_leaves_nothing_that_looks_finished(tree, tmp_path, monkeypatch) -> None:
    def interrupt(*arguments) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "_write_splits", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare("mtfl", tree, tmp_path / "out", Reporter())
    assert left_in(tmp_path) == []


def test_an_empty_or_absent_download_is_one_clear_error(tmp_path) -> None:
    with pytest.raises(
        DataError, match=r"absent is not a folder: unpack MTFL from .*mmlab.* there"
    ):
        prepare("mtfl", tmp_path / "absent", tmp_path / "out", Reporter())
    for name in ("training.txt", "testing.txt"):
        (tmp_path / name).write_text("\n")
    with pytest.raises(DataError, match=r"no picture of MTFL"):
        prepare("mtfl", tmp_path, tmp_path / "out", Reporter())


@pytest.mark.parametrize("public_set", PUBLIC_SETS, ids=lambda public_set: public_set.name)
def test_every_set_has_a_reader_that_misses_its_files(tmp_path, public_set) -> None:
    assert importlib.import_module(f"lmk.data.prepare.readers.{public_set.module}").__doc__
    with pytest.raises(DataError):
        prepare(public_set.name, tmp_path, tmp_path / "out", Reporter())
    assert left_in(tmp_path) == []


def test_an_unknown_set_is_answered_with_the_known_ones(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"unknown public set lfw: .*mpii, lsp"):
        prepare("lfw", tmp_path, tmp_path / "out", Reporter())


def test_pictures_beyond_the_download_are_left_out(tree, tmp_path) -> None:
    (tree / "lfw_5590" / "3.jpg").rename(tmp_path / "3.jpg")
    listed = tree / "training.txt"
    listed.write_text(listed.read_text().replace(r"lfw_5590\3.jpg", r"..\3.jpg"))
    done = prepare("mtfl", tree, tmp_path / "out", Reporter())
    assert done.images == {"test": 2, "train": 10}
    assert done.skipped == [f"../3.jpg: outside {tree}"]


def test_annotations_of_another_form_are_one_clear_error(tmp_path) -> None:
    (tmp_path / "images").mkdir()
    savemat(tmp_path / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": {"annolist": [1, 2]}})
    with pytest.raises(DataError, match="annotations of another form than MPII") as caught:
        prepare("mpii", tmp_path, tmp_path / "out", Reporter())
    assert str(tmp_path) in str(caught.value)
