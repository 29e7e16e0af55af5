from __future__ import annotations

import numpy as np
from data.prepare.dotted import (
    assert_dots_at_keypoints,
    draw_dots,
    points_of,
    read_split,
    sources_of,
)
from data.prepare.mat_structs import struct_array
from scipy.io import savemat

from lmk.data.coco import load_keypoints
from lmk.data.prepare.readers.mpii import JOINTS
from lmk.data.prepare.write import prepare
from lmk.system.progress import Reporter

EMPTY = np.zeros((0, 0))
SIZE_WH = (400, 300)
JOINTS_OF_FIRST = {0: (100, 230), 6: (110, 150), 8: (112, 104), 9: (115.5, 78.25), 15: (150, 140)}
JOINTS_OF_SECOND = {2: (250, 170), 8: (262, 90), 9: (270, 66)}


def person(joints: dict[int, tuple[float, float]], objpos_xy, scale: float, head) -> dict:
    """Make an annorect; joints and head are given in pixels from 0, the file counts from 1."""
    points = struct_array(
        [
            {"x": x + 1.0, "y": y + 1.0, "id": joint, "is_visible": EMPTY}
            for joint, (x, y) in joints.items()
        ]
    )
    corners = dict(zip(("x1", "y1", "x2", "y2"), (value + 1.0 for value in head), strict=True))
    place = {"x": objpos_xy[0] + 1.0, "y": objpos_xy[1] + 1.0}
    return {**corners, "annopoints": {"point": points}, "scale": scale, "objpos": place}


FIRST = person(JOINTS_OF_FIRST, (115, 147), 0.8, (100, 76, 130, 106))
SECOND = person(JOINTS_OF_SECOND, (262, 117), 0.6, (255, 64, 280, 97))
UNSCALED = {**SECOND, "scale": EMPTY}
WITHOUT_JOINTS = {**SECOND, "annopoints": EMPTY}


def write_tree(root) -> None:
    """Two training images, the first with three people; a bare one; and a test image."""
    draw_dots(
        root / "images" / "a.jpg", SIZE_WH, [*JOINTS_OF_FIRST.values(), *JOINTS_OF_SECOND.values()]
    )
    draw_dots(root / "images" / "b.jpg", SIZE_WH, list(JOINTS_OF_FIRST.values()))
    test_rect = {key: FIRST[key] for key in ("scale", "objpos")}
    images = [
        {"image": {"name": "a.jpg"}, "annorect": struct_array([FIRST, SECOND, WITHOUT_JOINTS])},
        {"image": {"name": "bare.jpg"}, "annorect": EMPTY},
        {"image": {"name": "test.jpg"}, "annorect": test_rect},
        {"image": {"name": "b.jpg"}, "annorect": struct_array([FIRST, UNSCALED])},
    ]
    release = {"annolist": struct_array(images), "img_train": np.array([[1, 1, 0, 1]], np.uint8)}
    savemat(root / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})


def test_each_annotated_person_of_a_training_image_is_a_crop(tmp_path, capsys) -> None:
    write_tree(tmp_path)
    done = prepare("mpii", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"train": 3}
    assert len(done.skipped) == 2
    assert "skipped 2 of 5" in capsys.readouterr().err
    assert assert_dots_at_keypoints(tmp_path / "out" / "train.json") == 5 + 3 + 5
    data = load_keypoints(tmp_path / "out" / "train.json", Reporter())
    assert np.flatnonzero(data.labelled[1]).tolist() == sorted(JOINTS_OF_SECOND)
    assert data.mirrored_order()[JOINTS.index("left_wrist")] == JOINTS.index("right_wrist")


def test_square_joints_and_head_are_where_a_hand_calculation_puts_them(tmp_path) -> None:
    """Scale 0.8 gives a square of 250 x 0.8 = 200 px round (115, 147 + 15 x 0.8 = 159).

    It starts at 115.5 - 100 = 15.5, rounded to even 16, and 159.5 - 100 = 59.5, to 60.
    """
    write_tree(tmp_path)
    prepare("mpii", tmp_path, tmp_path / "out", Reporter())
    entry = read_split(tmp_path / "out" / "train.json")[2]
    xy_crop, flags = points_of(entry)
    assert entry["image"]["source_crop_px"] == 200
    assert np.flatnonzero(flags).tolist() == sorted(JOINTS_OF_FIRST)
    assert (xy_crop[flags == 0] == 0).all()
    expected = [(115.5 - 16 + 0.5) * 0.8 - 0.5, (78.25 - 60 + 0.5) * 0.8 - 0.5]
    np.testing.assert_allclose(xy_crop[JOINTS.index("head_top")], expected, atol=0.006)
    left, top = (100.5 - 16) * 0.8 - 0.5, (76.5 - 60) * 0.8 - 0.5
    np.testing.assert_allclose(entry["object"]["head_bbox"], [left, top, 24, 24], atol=0.006)


def test_a_list_of_validation_images_is_held_out(tmp_path) -> None:
    write_tree(tmp_path)
    (tmp_path / "valid_images.txt").write_text("b.jpg\nb.jpg\n")
    done = prepare("mpii", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"train": 2, "val": 1}
    assert sources_of(tmp_path / "out" / "val.json") == ["images/b.jpg"]
