from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from cli.test_commands import lmk

from lmk.data.photograph import photograph


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    image = photograph()
    cv2.imwrite(str(folder / "two.jpg"), np.hstack([image, image[:, ::-1]]))
    cv2.imwrite(str(folder / "blank.png"), np.full((90, 120, 3), 130, np.uint8))
    return folder


def test_photographs_become_crops_for_training(photos: Path) -> None:
    here = photos.parent
    call = ["data", "crop", "photos", "-o", "crops", "-m", "faces-small", "--png", "--size", 96]
    done = lmk(*call, cwd=here)
    assert done.returncode == 0, done.stderr
    assert "crops/images  2 crops of 96 x 96 px, from 1 of 2 pictures" in done.stdout
    assert "no object in 1 of 2 pictures" in done.stdout
    assert "pictures without a crop are listed in crops/skipped.txt" in done.stdout
    assert "lmk train --images crops/images" in done.stdout
    written = sorted(path.relative_to(here).as_posix() for path in here.glob("crops/**/*.*"))
    assert written == [
        "crops/crops.csv",
        "crops/images/two-1.png",
        "crops/images/two-2.png",
        "crops/sheet.png",
        "crops/skipped.txt",
    ]
    again = lmk(*call, cwd=here)
    assert again.returncode == 2
    assert "crops already exists" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["photos", "-m", "core-pose"], 2, "core-pose has no framing"),
        (["absent", "-m", "faces-tiny"], 1, "absent does not exist: expected a folder"),
    ],
)
def test_wrong_calls_end_with_one_line_and_their_code(
    photos: Path, arguments: list[str], code: int, message: str
) -> None:
    done = lmk("data", "crop", *arguments, "-o", "crops", cwd=photos.parent)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert message in line
    assert [path.name for path in photos.parent.iterdir()] == ["photos"]
