from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from lmk.annotating.points_file import HIDDEN, open_points_file
from lmk.data.annotations import read_annotations
from lmk.system.errors import DataError, OutputError, UsageError
from lmk.system.progress import Reporter

NAMES = ["left_eye", "right_eye", "nose"]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Five pictures of 60 x 40 in a folder below that of the file."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    paths = [tmp_path / "photos" / name for name in ("a.png", "b c.png", "more/a.png", "d.png")]
    for path in paths:
        Image.new("RGB", (60, 40)).save(path)
    return paths


def test_what_was_said_is_there_again(tmp_path: Path, pictures: list[Path]) -> None:
    path = tmp_path / "few.json"
    with open_points_file(path, NAMES, pictures) as file:
        assert file.marks(1) == [None, None, None]
        file.put(1, (60, 40), [(10.5, 3), HIDDEN, (59.25, -0.5)], skipped=False)
        file.put(2, (60, 40), [(1, 2), None, None], skipped=False)
        file.put(3, (60, 40), [None, None, None], skipped=True)
    with open_points_file(path, [], pictures) as file:
        assert file.names == NAMES
        assert file.marks(1) == [(10.5, 3), HIDDEN, (59.25, -0.5)]
        assert file.marks(2) == [(1, 2), None, None]
        assert [file.done(n) for n in range(4)] == [False, True, False, False]
        assert [file.skipped(n) for n in range(4)] == [False, False, False, True]
        file.put(3, (60, 40), [None] * 3, skipped=False)
        file.put(2, (60, 40), [None] * 3, skipped=False)
        assert not file.skipped(3)
        assert file.marks(2) == [None] * 3


def test_others_read_what_is_written(tmp_path: Path, pictures: list[Path]) -> None:
    with open_points_file(tmp_path / "few.json", NAMES, pictures) as file:
        file.put(1, (60, 40), [(10.5, 3), HIDDEN, (50, 33)], skipped=False)
        file.put(3, (60, 40), [None] * 3, skipped=True)
    found = read_annotations(tmp_path / "few.json", Reporter())
    assert [path.name for path in found.paths] == ["b c.png", "d.png"]
    assert found.names == NAMES
    assert found.annotated.tolist() == [True, False]
    assert found.labelled[0].tolist() == [True, False, True]
    assert found.xy_image[0][[0, 2]].tolist() == [[10.5, 3], [50, 33]]
    content = json.loads((tmp_path / "few.json").read_text())
    (one,) = content["annotations"]
    assert one["num_keypoints"] == 2
    assert one["bbox"] == [10.5, 3, 39.5, 30]
    assert one["area"] == 39.5 * 30
    assert one["iscrowd"] == 0


def test_a_file_of_another_tool_is_gone_on_with_and_keeps_what_it_has(
    tmp_path: Path, pictures: list[Path]
) -> None:
    """Its pictures are in images/, its ids are text, and it has another category."""
    (tmp_path / "photos").rename(tmp_path / "images")
    moved = [tmp_path / "images" / path.relative_to(tmp_path / "photos") for path in pictures]
    category = {"id": "face", "name": "face", "keypoints": NAMES, "supercategory": "head"}
    theirs = {
        "info": {"by": "another tool"},
        "licenses": [{"id": 3}],
        "categories": [{"id": "box", "name": "box"}, category],
        "images": [{"id": "x", "file_name": "a.png", "width": 60, "height": 40, "license": 3}],
        "annotations": [
            {"id": 7, "image_id": "x", "category_id": "box", "bbox": [1, 2, 3, 4]},
            {
                "id": 8, "image_id": "x", "category_id": "face", "segmentation": [[1, 1, 2, 2]],
                "keypoints": [5, 6, 2, 0, 0, 0, 8, 9, 1],
            },
        ],
    }  # fmt: skip
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(theirs))
    with open_points_file(path, NAMES, moved) as file:
        assert file.marks(0) == [(5, 6), HIDDEN, (8, 9)]
        assert file.done(0)
        file.put(0, (60, 40), [(5, 7), HIDDEN, (8, 9)], skipped=False)
        file.put(1, (60, 40), [(1, 1), (2, 2), (3, 3)], skipped=False)
    content = json.loads(path.read_text())
    assert content["info"] == theirs["info"]
    assert content["categories"] == theirs["categories"]
    assert content["images"][0] == theirs["images"][0]
    assert content["annotations"][0] == theirs["annotations"][0]
    assert content["annotations"][1]["segmentation"] == [[1, 1, 2, 2]]
    assert content["annotations"][1]["keypoints"] == [5, 7, 2, 0, 0, 0, 8, 9, 2]
    assert len({one["id"] for one in content["annotations"]}) == 3
    assert len(content["images"]) == 2


def test_an_earlier_file_stays_when_it_cannot_be_replaced(
    tmp_path: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "few.json"
    with open_points_file(path, NAMES, pictures) as file:
        file.put(0, (60, 40), [(1, 1), (2, 2), (3, 3)], skipped=False)
        before = path.read_text()

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", full)
            with pytest.raises(OutputError, match="No space left"):
                file.put(1, (60, 40), [(1, 1), (2, 2), (3, 3)], skipped=False)
        assert path.read_text() == before
        file.put(2, (60, 40), [None, (2, 2), None], skipped=False)
    with open_points_file(path, NAMES, pictures) as file:
        assert file.marks(1) == [(1, 1), (2, 2), (3, 3)]  # what failed came with the next one


def test_two_processes_do_not_write_one_file(tmp_path: Path, pictures: list[Path]) -> None:
    with (
        open_points_file(tmp_path / "few.json", NAMES, pictures),
        pytest.raises(OutputError, match="process"),
        open_points_file(tmp_path / "few.json", NAMES, pictures),
    ):
        pass


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "give their names"),
        (["a", "b", "a"], "expected each name once"),
        (["a\n"], "is not a name"),
        (["a" * 101], "is not a name"),
        ([""], "is not a name"),
        ([f"p{number}" for number in range(1001)], "at most 1000"),
    ],
)
def test_names_that_cannot_be_used(
    tmp_path: Path, pictures: list[Path], names: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said), open_points_file(tmp_path / "f", names, pictures):
        pass
    assert not (tmp_path / "f").exists()


def test_other_names_than_those_of_the_file(tmp_path: Path, pictures: list[Path]) -> None:
    path = tmp_path / "few.json"
    with open_points_file(path, NAMES, pictures) as file:
        file.put(0, (60, 40), [(1, 1), (2, 2), (3, 3)], skipped=False)
    with (
        pytest.raises(UsageError, match=r"has the points left_eye,right_eye,nose\. Omit --names"),
        open_points_file(path, NAMES[::-1], pictures),
    ):
        pass


def test_pictures_that_names_cannot_reach_are_told(tmp_path: Path, pictures: list[Path]) -> None:
    (tmp_path / "elsewhere").mkdir()
    with (
        pytest.raises(DataError, match="is not below the folder of"),
        open_points_file(tmp_path / "elsewhere" / "few.json", NAMES, pictures),
    ):
        pass


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"images": 3}', '{"images":[{"id":1}],"annotations":[],"categories":[]}'],
)
def test_a_file_that_is_not_coco_is_left_as_it_is(
    tmp_path: Path, pictures: list[Path], content: str
) -> None:
    path = tmp_path / "few.json"
    path.write_text(content)
    with pytest.raises(DataError), open_points_file(path, NAMES, pictures):
        pass
    assert path.read_text() == content
