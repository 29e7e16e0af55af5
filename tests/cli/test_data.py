from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from cli.test_commands import lmk


def test_a_set_is_drawn_packed_verified_and_shown(tmp_path: Path) -> None:
    def done(*arguments: object) -> str:
        result = lmk("data", *arguments, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert "12 pictures of 64 x 64 px" in done("draw", "-o", "foxes", "--count", 12, "--size", 64)
    (tmp_path / "foxes" / "images" / "05.png").write_bytes(b"broken")
    packed = done("pack", "foxes/keypoints.json", "-o", "packed", "--size", 48)
    assert "11 crops of 48 x 48 px, 10 points per crop" in packed
    assert "skipped 1, listed in packed/index.json" in packed
    assert np.load(tmp_path / "packed" / "crops.npy").shape == (11, 48, 48, 3)
    assert packed.splitlines()[-1] in done("verify", "packed")
    assert "5 of 11 pictures" in done("show", "packed", "-o", "look.png", "--count", 5)
    assert cv2.imread(str(tmp_path / "look.png")) is not None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["pack", "absent", "-o", "out"],
            1,
            "absent does not exist: expected a folder of images",
        ),
        (["pack", "photos", "-o", "photos"], 2, "photos already exists"),
        (["show", "photos", "-o", "sheet.jpg"], 2, "expected a .png file"),
    ],
)
def test_wrong_calls_end_with_one_line_and_their_code(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.png").write_bytes(b"broken")
    done = lmk("data", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
