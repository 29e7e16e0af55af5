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

from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

NAMES = [f"{number:06}.jpg" for number in range(1, 7)]
MAFL_TRAIN, MAFL_TEST = {NAMES[1], NAMES[3]}, {NAMES[0], NAMES[4]}


def write_tree(root, images="Img/img_align_celeba", landmarks="list_landmarks_align_celeba"):
    lines = [
        f"{len(NAMES)}",
        "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y "
        "leftmouth_x leftmouth_y rightmouth_x rightmouth_y",
    ]
    for index, name in enumerate(NAMES):
        xy_image = FACE + np.array([5 * index, 2 * index])
        draw_dots(root / images / name, SIZE_WH, xy_image)
        lines.append(f"{name}  " + "  ".join(f"{value:3.0f}" for value in xy_image.ravel()))
    for folder in ("Anno", "MAFL"):
        (root / folder).mkdir()
    (root / "Anno" / f"{landmarks}.txt").write_text("\n".join(lines) + "\n")
    (root / "MAFL" / "training.txt").write_text("\n".join(sorted(MAFL_TRAIN)) + "\n")
    (root / "MAFL" / "testing.txt").write_text("\r\n".join(sorted(MAFL_TEST)) + "\r\n")


def names_in(file) -> set[str]:
    return {source.split("/")[-1] for source in sources_of(file)}


def test_test_faces_of_mafl_are_in_no_training_set(tmp_path) -> None:
    write_tree(tmp_path)
    done = prepare("celeba", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"mafl-train": 2, "test": 2, "train": 4}
    assert names_in(tmp_path / "out" / "test.json") == MAFL_TEST
    assert names_in(tmp_path / "out" / "train.json") == set(NAMES) - MAFL_TEST
    assert names_in(tmp_path / "out" / "mafl-train.json") == MAFL_TRAIN


def test_points_are_where_a_hand_calculation_puts_them(tmp_path) -> None:
    write_tree(tmp_path, "img_celeba", "list_landmarks_celeba")
    prepare("celeba", tmp_path, tmp_path / "out", Reporter())
    assert assert_dots_at_keypoints(tmp_path / "out" / "train.json") == 4 * 5
    for entry in read_split(tmp_path / "out" / "test.json"):
        np.testing.assert_allclose(points_of(entry)[0][0], LEFT_EYE_CROP, atol=0.006)


def test_aligned_images_are_taken_where_both_are_there(tmp_path) -> None:
    write_tree(tmp_path)
    (tmp_path / "img_celeba").mkdir()
    done = prepare("celeba", tmp_path, tmp_path / "out", Reporter())
    assert "img_align_celeba" in done.note


@pytest.mark.parametrize("missing", ["training", "testing"])
def test_without_the_lists_of_mafl_nothing_is_prepared(tmp_path, missing: str) -> None:
    write_tree(tmp_path)
    (tmp_path / "MAFL" / f"{missing}.txt").unlink()
    with pytest.raises(DataError, match=rf"lacks MAFL/{missing}\.txt .*projects/TCDCN"):
        prepare("celeba", tmp_path, tmp_path / "out", Reporter())
    assert not (tmp_path / "out").exists()


def test_a_test_face_that_is_spelled_otherwise_is_refused(tmp_path) -> None:
    """It would not be found among the training images, and stay in them."""
    write_tree(tmp_path)
    (tmp_path / "MAFL" / "testing.txt").write_text("img/000001.jpg\n")
    with pytest.raises(DataError, match=r"lacks 1 images .* such as img/000001\.jpg"):
        prepare("celeba", tmp_path, tmp_path / "out", Reporter())
