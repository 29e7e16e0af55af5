from __future__ import annotations

import numpy as np
import pytest
from data.prepare.dotted import (
    assert_dots_at_keypoints,
    draw_dots,
    points_of,
    read_split,
    sources_of,
)
from data.prepare.mat_structs import struct_array
from scipy.io import savemat

from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

# Head, wrists, elbows, shoulders: 100 x 90 px round (110, 85).
POSE = np.array([[112, 40], [75, 130], [140, 128], [60, 100], [160, 98], [80, 70], [142, 72]])
EMPTY = np.zeros((0, 0))


def joints(frames: int) -> np.ndarray:
    """2 x 7 x N, the nth frame moved 3 n px to the right, counted from 1."""
    return np.stack([(POSE + np.array([3 * index, 0])).T + 1 for index in range(frames)], axis=-1)


def video(kind: str, train_frames, test_frames) -> dict:
    return {
        "videoName": f"{kind}.avi",
        "type": kind,
        "source": "buehler11",
        "train_frames": np.array([train_frames], float) if train_frames else EMPTY,
        "train_joints": joints(len(train_frames)) if train_frames else EMPTY,
        "test_frames": np.array([test_frames], float) if test_frames else EMPTY,
        "test_joints": joints(len(test_frames)) if test_frames else EMPTY,
    }


def write_tree(root) -> None:
    """A training, a val and a test video, and from the 21st on what the set is extended by."""
    videos = [video("train", [4, 17, 20], []), video("val", [1, 2], [3, 9])]
    videos += [video("test", [1, 2], [5, 6])] + [video("train", [1, 2], [])] * 18
    for number, its_video in enumerate(videos[:20], 1):
        kind = "train" if its_video["type"] == "train" else "test"
        for index, frame in enumerate(its_video[f"{kind}_frames"].ravel()):
            xy_image = POSE + np.array([3 * index, 0])
            draw_dots(root / str(number) / f"{frame:.0f}.jpg", (230, 170), xy_image)
    (root / "code").mkdir()
    savemat(root / "code" / "bbcpose.mat", {"bbcpose": struct_array(videos)})


def test_frames_of_the_first_twenty_videos_are_split_by_their_type(tmp_path) -> None:
    write_tree(tmp_path)
    done = prepare("bbc-pose", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"test": 2, "train": 3 + 17 * 2, "val": 2}
    assert sources_of(tmp_path / "out" / "train.json")[:3] == ["1/4.jpg", "1/17.jpg", "1/20.jpg"]
    assert sources_of(tmp_path / "out" / "val.json") == ["2/3.jpg", "2/9.jpg"]
    assert sources_of(tmp_path / "out" / "test.json") == ["3/5.jpg", "3/6.jpg"]
    for split in ("train", "val", "test"):
        file = tmp_path / "out" / f"{split}.json"
        assert assert_dots_at_keypoints(file) == 7 * done.images[split]


def test_points_are_where_a_hand_calculation_puts_them(tmp_path) -> None:
    """The joints' box is 100 px round (110, 85): side 150, from 110.5 - 75 and 85.5 - 75 on.

    35.5 and 10.5 are rounded to the even 36 and 10.
    """
    write_tree(tmp_path)
    prepare("bbc-pose", tmp_path, tmp_path / "out", Reporter())
    first = read_split(tmp_path / "out" / "train.json")[0]
    xy_crop, _ = points_of(first)
    expected = [(112.5 - 36) * 160 / 150 - 0.5, (40.5 - 10) * 160 / 150 - 0.5]
    np.testing.assert_allclose(xy_crop[0], expected, atol=0.006)


def test_joints_that_do_not_match_their_frames_are_refused(tmp_path) -> None:
    videos = [
        video("train", [1, 2], []),
        {**video("train", [1, 2, 3], []), "train_joints": joints(2)},
    ]
    savemat(tmp_path / "bbcpose.mat", {"bbcpose": struct_array(videos)})
    with pytest.raises(DataError, match=r"train_joints of train\.avi .* expected \(2, 7, 3\)"):
        prepare("bbc-pose", tmp_path, tmp_path / "out", Reporter())
