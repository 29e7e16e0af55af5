from __future__ import annotations

import json

import numpy as np
import pytest
from data.prepare.dotted import assert_dots_at_keypoints, draw_dots, points_of, read_split
from scipy.io import savemat

from lmk.data.coco import load_keypoints
from lmk.data.prepare.readers import lsp
from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

# Ankles to head: 60 x 130 px round (80, 95).
POSE = np.array(
    [
        *([52, 158], [58, 128], [66, 100], [86, 100], [92, 131], [99, 160]),
        *([50, 98], [54, 80], [64, 62], [92, 62], [104, 79], [110, 96]),
        *([78, 55], [79, 30]),
    ],
    float,
)


def write_lsp(root, count: int, with_pictures: int) -> None:
    """Joints of `count` people, the nth moved n px to the right; the flag is as if all hidden."""
    joints = np.zeros((3, 14, count))
    for index in range(count):
        xy_image = POSE + np.array([index % 40, 0])
        joints[:2, :, index] = xy_image.T + 1
        joints[2, :, index] = 1
    for index in [*range(with_pictures), *range(count - with_pictures, count)]:
        image = root / "images" / f"im{index + 1:04}.jpg"
        draw_dots(image, (190, 180), POSE + np.array([index % 40, 0]))
    savemat(root / "joints.mat", {"joints": joints})


def test_the_first_thousand_train(tmp_path) -> None:
    """Read only: 1,003 pictures would take long."""
    from lmk.data.prepare.catalogue import find_set
    from lmk.data.prepare.source import Source

    write_lsp(tmp_path, 1003, with_pictures=1)
    records = lsp.read(Source(tmp_path, find_set("lsp"))).records
    splits = [record.splits for record in records]
    assert splits == [("train",)] * 1000 + [("test",)] * 3
    assert records[999].image.name == "im1000.jpg"
    assert records[1000].image.name == "im1001.jpg"


def test_all_joints_are_labelled_and_lie_on_their_dots(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(lsp, "NUM_TRAIN", 2)
    write_lsp(tmp_path, 5, with_pictures=5)
    done = prepare("lsp", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"test": 3, "train": 2}
    assert assert_dots_at_keypoints(tmp_path / "out" / "test.json") == 3 * 14
    names = load_keypoints(tmp_path / "out" / "train.json", Reporter()).names
    assert names[0] == "right_ankle"
    assert names[12:] == ["neck", "head_top"]


def test_points_are_where_a_hand_calculation_puts_them(tmp_path) -> None:
    """The joints' box is 60 x 130 px round (80, 95): side 195, from 80.5 - 97.5 and 95.5 - 97.5."""
    write_lsp(tmp_path, 2, with_pictures=2)
    prepare("lsp", tmp_path, tmp_path / "out", Reporter())
    entry = read_split(tmp_path / "out" / "train.json")[0]
    xy_crop, _ = points_of(entry)
    expected = [(79.5 + 17) * 160 / 195 - 0.5, (30.5 + 2) * 160 / 195 - 0.5]
    np.testing.assert_allclose(xy_crop[13], expected, atol=0.006)


def test_the_extended_set_masks_joints_that_were_not_annotated(tmp_path) -> None:
    joints = np.zeros((14, 3, 3))
    for index, labelled in enumerate([range(14), range(6, 14), ()]):
        draw_dots(tmp_path / "images" / f"im{index + 1:05}.jpg", (160, 180), POSE[list(labelled)])
        joints[list(labelled), :2, index] = POSE[list(labelled)] + 1
        joints[list(labelled), 2, index] = 1
    savemat(tmp_path / "joints.mat", {"joints": joints})
    done = prepare("lsp-extended", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"train": 2}
    assert done.skipped == ["images/im00003.jpg: no joint is annotated"]
    assert assert_dots_at_keypoints(tmp_path / "out" / "train.json") == 14 + 8
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    assert content["annotations"][1]["keypoints"][: 3 * 6] == [0] * 18
    assert content["annotations"][1]["num_keypoints"] == 8


@pytest.mark.parametrize("name", ["lsp", "lsp-extended"])
def test_the_joints_of_the_other_set_are_refused(tmp_path, name: str) -> None:
    (tmp_path / "images").mkdir()
    shape = (14, 3, 5) if name == "lsp" else (3, 14, 5)
    savemat(tmp_path / "joints.mat", {"joints": np.ones(shape)})
    with pytest.raises(DataError, match=r"joints is .* expected"):
        prepare(name, tmp_path, tmp_path / "out", Reporter())
