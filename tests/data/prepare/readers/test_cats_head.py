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

from lmk.data.coco import load_keypoints
from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

# Eyes, mouth, ears: 100 x 120 px round (140, 150).
HEAD = np.array(
    [
        *([115, 165], [168, 163], [142, 210]),
        *([90, 130], [98, 90], [120, 118], [160, 115], [185, 92], [190, 132]),
    ]
)
MOVES = ([0, 0], [11, 6])


def write_tree(root) -> None:
    for number in range(7):
        folder = root / f"CAT_{number:02}"
        for index, move in enumerate(MOVES):
            image = folder / f"0000000{number}_{index:03}.jpg"
            xy_image = HEAD + move
            draw_dots(image, (260, 230), xy_image)
            numbers = " ".join(str(value) for value in xy_image.ravel())
            image.with_name(f"{image.name}.cat").write_text(f"9 {numbers} ")


def test_four_folders_train_and_three_test(tmp_path) -> None:
    write_tree(tmp_path)
    done = prepare("cats-head", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"test": 6, "train": 8}
    folders = {
        split: {source.split("/")[0] for source in sources_of(tmp_path / "out" / f"{split}.json")}
        for split in done.images
    }
    assert folders["train"] == {"CAT_00", "CAT_01", "CAT_02", "CAT_03"}
    assert folders["test"] == {"CAT_04", "CAT_05", "CAT_06"}


def test_points_are_where_a_hand_calculation_puts_them(tmp_path) -> None:
    """The points' box is 100 x 120 px round (140, 150): side 180, from 50.5 and 60.5, even 50, 60.

    The second cat's square moves with it by (11, 6), to 61.5 and 66.5, rounded to 62 and 66.
    """
    write_tree(tmp_path)
    prepare("cats-head", tmp_path, tmp_path / "out", Reporter())
    file = tmp_path / "out" / "test.json"
    assert assert_dots_at_keypoints(file) == 6 * 9
    first, second = read_split(file)[:2]
    scale = 160 / 180
    expected = [(115.5 - 50) * scale - 0.5, (165.5 - 60) * scale - 0.5]
    np.testing.assert_allclose(points_of(first)[0][0], expected, atol=0.006)
    expected = [(126.5 - 62) * scale - 0.5, (171.5 - 66) * scale - 0.5]
    np.testing.assert_allclose(points_of(second)[0][0], expected, atol=0.006)


def test_mirroring_swaps_the_outer_sides_of_the_ears(tmp_path) -> None:
    write_tree(tmp_path)
    prepare("cats-head", tmp_path, tmp_path / "out", Reporter())
    data = load_keypoints(tmp_path / "out" / "test.json", Reporter())
    assert data.mirrored_order() == [1, 0, 2, 8, 7, 6, 5, 4, 3]


def test_a_picture_without_its_nine_points_is_skipped(tmp_path) -> None:
    write_tree(tmp_path)
    (tmp_path / "CAT_00" / "00000000_001.jpg.cat").unlink()
    (tmp_path / "CAT_05" / "00000005_000.jpg.cat").write_text("2 1 1 9 9")
    (tmp_path / "CAT_06" / "00000006_000.jpg.cat").write_bytes(b"9 \xff" + b" 1" * 17)
    done = prepare("cats-head", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"test": 4, "train": 7}
    assert [reason.split(":")[0] for reason in done.skipped] == [
        "CAT_00/00000000_001.jpg",
        "CAT_05/00000005_000.jpg",
        "CAT_06/00000006_000.jpg",
    ]


def test_a_missing_folder_is_named_with_the_page_of_the_set(tmp_path) -> None:
    write_tree(tmp_path)
    (tmp_path / "CAT_06").rename(tmp_path / "cat6")
    with pytest.raises(DataError, match=r"lacks CAT_06 .* Cats Head.*archive\.org"):
        prepare("cats-head", tmp_path, tmp_path / "out", Reporter())
