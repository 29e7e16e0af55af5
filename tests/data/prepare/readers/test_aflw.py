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
from data.prepare.face_trees import FACE, LEFT_EYE_CROP, SIZE_WH
from scipy.io import savemat

from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def write_tree(root, test_names=("5/c.jpg", "5/d.jpg")) -> None:
    for split, names in (("train", ("0/a.jpg", "2/b.jpg", "2/e.jpg")), ("test", test_names)):
        points = [FACE + np.array([6.5 * index, index]) for index in range(len(names))]
        for name, xy_image in zip(names, points, strict=True):
            draw_dots(root / "output" / name, SIZE_WH, xy_image)
        (root / f"aflw_{split}_images.txt").write_text("\n".join(names) + "\n")
        yx, hw = np.stack(points)[:, :, ::-1], np.tile(SIZE_WH[::-1], (len(names), 1))
        savemat(root / f"aflw_{split}_keypoints.mat", {"gt": yx, "hw": hw})


def test_both_partitions_become_crops_with_their_points(tmp_path) -> None:
    write_tree(tmp_path)
    done = prepare("aflw", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"test": 2, "train": 3}
    assert sources_of(tmp_path / "out" / "test.json") == ["output/5/c.jpg", "output/5/d.jpg"]
    assert assert_dots_at_keypoints(tmp_path / "out" / "train.json") == 15
    first = read_split(tmp_path / "out" / "test.json")[0]
    np.testing.assert_allclose(points_of(first)[0][0], LEFT_EYE_CROP, atol=0.006)


def test_a_list_that_is_longer_than_its_points_is_refused(tmp_path) -> None:
    write_tree(tmp_path)
    (tmp_path / "aflw_test_images.txt").write_text("5/c.jpg\n5/d.jpg\n5/e.jpg\n")
    with pytest.raises(DataError, match=r"has 2 faces, its list of images 3"):
        prepare("aflw", tmp_path, tmp_path / "out", Reporter())
