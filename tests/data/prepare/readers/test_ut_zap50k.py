from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from lmk.data.annotations import image_paths
from lmk.data.prepare.readers import ut_zap50k
from lmk.data.prepare.write import prepare
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


def write_tree(root, count: int = 6) -> None:
    for index in range(count):
        kind = ("Boots/Ankle/Aerosoles", "Shoes/Oxfords/A. Testoni")[index % 2]
        path = root / "ut-zap50k-images" / kind / f"{7000 + index}.{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((102, 136, 3), 20 + 10 * index, np.uint8))


@pytest.fixture(autouse=True)
def few_test_images(monkeypatch) -> None:
    monkeypatch.setattr(ut_zap50k, "NUM_TEST", 2)


def sources(folder, split: str) -> list[str]:
    content = json.loads((folder / f"{split}.json").read_text())
    assert content["annotations"] == []
    return [image["source"].split("ut-zap50k-images/")[-1] for image in content["images"]]


def test_the_same_images_test_wherever_the_tree_lies(tmp_path) -> None:
    write_tree(tmp_path)
    done = prepare("ut-zap50k", tmp_path, tmp_path / "out", Reporter())
    assert done.images == {"test": 2, "train": 4}
    prepare("ut-zap50k", tmp_path / "ut-zap50k-images", tmp_path / "again", Reporter())
    for split in ("train", "test"):
        assert sources(tmp_path / "out", split) == sources(tmp_path / "again", split)
    assert len({*sources(tmp_path / "out", "train"), *sources(tmp_path / "out", "test")}) == 6


def test_test_images_stay_test_images_when_others_are_lost(tmp_path) -> None:
    write_tree(tmp_path)
    prepare("ut-zap50k", tmp_path, tmp_path / "out", Reporter())
    lost = sources(tmp_path / "out", "train")[0]
    (tmp_path / "ut-zap50k-images" / lost).unlink()
    prepare("ut-zap50k", tmp_path, tmp_path / "again", Reporter())
    assert sources(tmp_path / "out", "test") == sources(tmp_path / "again", "test")


def test_shoes_are_padded_to_squares_on_white(tmp_path) -> None:
    """136 x 102 px become 160 x 120, with 20 rows of white above and below."""
    write_tree(tmp_path)
    prepare("ut-zap50k", tmp_path, tmp_path / "out", Reporter())
    for path in image_paths(tmp_path / "out" / "train.json"):
        crop = cv2.imread(str(path)).astype(int)
        assert crop.shape == (160, 160, 3)
        assert (crop[:18] > 245).all()
        assert (crop[-18:] > 245).all()
        assert (crop[24:-24] < 100).all()


def test_a_part_of_the_set_is_refused(tmp_path) -> None:
    write_tree(tmp_path, count=2)
    with pytest.raises(DataError, match=r"2 pictures, expected the 50,025"):
        prepare("ut-zap50k", tmp_path, tmp_path / "out", Reporter())
