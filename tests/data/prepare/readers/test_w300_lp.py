from __future__ import annotations

import shutil

import numpy as np
import pytest
from data.prepare.dotted import assert_dots_at_keypoints, draw_dots, sources_of
from data.prepare.face_trees import face_68
from scipy.io import savemat

from lmk.data.coco import load_keypoints
from lmk.data.prepare.write import prepare
from lmk.system.progress import Reporter

IMAGES = {
    "AFW/AFW_134212_1_0": "train",
    "HELEN/HELEN_232194_1_0": "train",
    "HELEN/HELEN_test_30427236_1_2": "val",
    "IBUG/IBUG_image_003_1_1": "train",
    "LFPW/LFPW_image_test_0001_0": "val",
    "LFPW/LFPW_image_train_0001_0": "train",
}


@pytest.fixture
def tree(tmp_path):
    """Each picture shows dots at its 3D points; pts_2d, which is not read, lies beside them."""
    root = tmp_path / "300W_LP"
    for seed, name in enumerate(IMAGES):
        xy_image = face_68(seed)
        draw_dots(root / f"{name}.jpg", (240, 220), xy_image)
        (root / "landmarks" / name).parent.mkdir(parents=True, exist_ok=True)
        points = {"pts_2d": xy_image + 8, "pts_3d": xy_image + 1}
        savemat(root / "landmarks" / f"{name}_pts.mat", points)
        savemat(root / f"{name}.mat", {"pt2d": xy_image.T + 1, "Pose_Para": np.zeros((1, 7))})
    shutil.copytree(root / "AFW", root / "AFW_Flip")
    return root


def test_test_images_of_the_four_folders_are_val(tree, tmp_path) -> None:
    done = prepare("300w-lp", tree, tmp_path / "out", Reporter())
    assert done.images == {"train": 4, "val": 2}
    for split in ("train", "val"):
        expected = [f"{name}.jpg" for name, its_split in IMAGES.items() if its_split == split]
        assert sources_of(tmp_path / "out" / f"{split}.json") == expected


def test_points_are_those_of_the_3d_model(tree, tmp_path) -> None:
    done = prepare("300w-lp", tree, tmp_path / "out", Reporter(), size=240)
    assert "pts_3d" in done.note
    assert assert_dots_at_keypoints(tmp_path / "out" / "val.json") == 2 * 68
    data = load_keypoints(tmp_path / "out" / "val.json", Reporter())
    assert data.names[36] == "left_eye_1"


def test_without_landmarks_the_points_beside_the_pictures_are_read(tree, tmp_path) -> None:
    shutil.rmtree(tree / "landmarks")
    done = prepare("300w-lp", tree, tmp_path / "out", Reporter(), size=240)
    assert "pt2d" in done.note
    assert assert_dots_at_keypoints(tmp_path / "out" / "val.json") == 2 * 68


def test_a_picture_without_points_is_skipped_and_listed(tree, tmp_path) -> None:
    (tree / "landmarks" / "IBUG" / "IBUG_image_003_1_1_pts.mat").unlink()
    done = prepare("300w-lp", tree, tmp_path / "out", Reporter())
    reason = "IBUG/IBUG_image_003_1_1.jpg: no landmarks/IBUG/IBUG_image_003_1_1_pts.mat"
    assert done.skipped == [reason]
    assert (tmp_path / "out" / "skipped.txt").read_text() == f"{reason}\n"
