from __future__ import annotations

import pytest
from data.prepare.dotted import assert_dots_at_keypoints, draw_dots, sources_of
from data.prepare.face_trees import face_68
from scipy.io import savemat

from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def write_tree(root, suffix: str) -> None:
    for number in (1, 2, 3):
        xy_image = face_68(number)
        draw_dots(root / "new_dataset" / f"{number}.jpg", (240, 220), xy_image)
        with (root / "new_dataset" / f"{number}{suffix}").open("wb") as file:
            savemat(file, {"pts": xy_image + 1})


def test_converted_points_are_read_as_test_images(tmp_path) -> None:
    write_tree(tmp_path, ".mat")
    done = prepare("ls3d", tmp_path, tmp_path / "out", Reporter(), size=240)
    assert done.images == {"test": 3}
    assert sources_of(tmp_path / "out" / "test.json")[0] == "new_dataset/1.jpg"
    assert assert_dots_at_keypoints(tmp_path / "out" / "test.json") == 3 * 68


def test_files_of_lua_torch_are_refused_with_the_command_that_converts_them(tmp_path) -> None:
    write_tree(tmp_path, ".t7")
    with pytest.raises(DataError, match=r"\.t7 files of Lua Torch.*torchfile\.load"):
        prepare("ls3d", tmp_path, tmp_path / "out", Reporter())
