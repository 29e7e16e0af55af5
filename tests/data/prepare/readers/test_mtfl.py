from __future__ import annotations

import numpy as np
import pytest
from data.prepare.dotted import assert_dots_at_keypoints, points_of, read_split, sources_of
from data.prepare.face_trees import LEFT_EYE_CROP, write_mtfl

from lmk.data.coco import load_keypoints
from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def test_both_lists_become_crops_with_their_points(tmp_path) -> None:
    write_mtfl(tmp_path / "MTFL", train=3)
    done = prepare("mtfl", tmp_path / "MTFL", tmp_path / "out", Reporter())
    assert done.images == {"test": 2, "train": 3}
    assert done.skipped == []
    assert assert_dots_at_keypoints(tmp_path / "out" / "train.json") == 15
    assert assert_dots_at_keypoints(tmp_path / "out" / "test.json") == 10


def test_points_are_where_a_hand_calculation_puts_them(tmp_path) -> None:
    """Both faces' crops move with them, so that their points are the same."""
    write_mtfl(tmp_path / "MTFL")
    prepare("mtfl", tmp_path / "MTFL", tmp_path / "out", Reporter())
    file = tmp_path / "out" / "train.json"
    assert sources_of(file) == ["lfw_5590/0.jpg", "lfw_5590/1.jpg"]
    for entry in read_split(file):
        xy_crop, flags = points_of(entry)
        np.testing.assert_allclose(xy_crop[0], LEFT_EYE_CROP, atol=0.006)
        assert flags.tolist() == [2] * 5
        assert entry["image"]["source_crop_px"] == 216


def test_the_package_reads_what_it_wrote(tmp_path) -> None:
    write_mtfl(tmp_path / "MTFL")
    prepare("mtfl", tmp_path, tmp_path / "out", Reporter(), size=120)
    data = load_keypoints(tmp_path / "out" / "test.json", Reporter())
    assert data.crops.shape == (2, 160, 160, 3)
    assert data.names[0] == "left_eye"
    assert data.labelled.all()
    np.testing.assert_allclose(data.xy_crop[1, 0], LEFT_EYE_CROP, atol=0.02)


@pytest.mark.parametrize("numbers", ["1 2 3 4", "1 2 3 4 5 6 7 8 9 x", "1 2 3 4 5 nan 7 8 9 10"])
def test_a_malformed_line_is_named(tmp_path, numbers: str) -> None:
    write_mtfl(tmp_path)
    (tmp_path / "testing.txt").write_text(f"\nAFLW\\0.jpg {numbers}\n")
    with pytest.raises(DataError, match=r"testing\.txt, line 2: expected a name and 10 numbers"):
        prepare("mtfl", tmp_path, tmp_path / "out", Reporter())
