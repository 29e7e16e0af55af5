from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from lmk.demo import demo, fox
from lmk.demo.clip import FRAMES, SIZE_WH, camera_path, frames
from lmk.demo.face import following_error, read_landmarks
from lmk.geometry import apply_affine
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter

ON_PHOTOGRAPH = np.array([[202.5, 100.7], [247.0, 103.0], [224.0, 141.0]], np.float32)


def test_points_that_move_with_the_camera_stay_on_the_face() -> None:
    followed = apply_affine(camera_path(), np.broadcast_to(ON_PHOTOGRAPH, (FRAMES, 3, 2)))
    assert following_error(followed) < 1e-3


def test_points_that_stand_still_in_the_frame_do_not_follow() -> None:
    still = np.broadcast_to(np.float32([[300, 200], [340, 200]]), (FRAMES, 2, 2))
    assert following_error(still) > 10


def test_frames_show_the_photograph_where_the_camera_path_says() -> None:
    """Through the inverse of a frame's matrix, the frame gives back the photograph's pixels."""
    from lmk.data.photograph import photograph

    image, matrix = photograph(), camera_path()[0]
    first = next(frames())
    assert first.shape == (SIZE_WH[1], SIZE_WH[0], 3)
    for x, y in ON_PHOTOGRAPH.round():
        u, v = apply_affine(matrix, np.float32([[x, y]]))[0].round().astype(int)
        near, expected = first[v - 1 : v + 2, u - 1 : u + 2], image[int(y), int(x)]
        np.testing.assert_allclose(near.mean((0, 1)), expected, atol=12)


def test_demo_writes_what_it_says(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fox, "OPTIONS", dataclasses.replace(fox.OPTIONS, steps=2, batch_size=2))
    monkeypatch.setattr(fox, "TRAINING_IMAGES", 8)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / demo.MARK).touch()  # an earlier demo's folder is replaced
    (folder / "old.png").touch()
    written = demo.run_demo(folder, Reporter(), train=True)
    assert all(path.exists() for path, _ in written)
    landmarks = read_landmarks(folder / "faces.jsonl")
    assert landmarks.shape == (FRAMES, 10, 2)
    assert following_error(landmarks) < 4
    assert int(cv2.VideoCapture(str(folder / "faces.mp4")).get(cv2.CAP_PROP_FRAME_COUNT)) == FRAMES
    assert cv2.imread(str(folder / "sheet.png")).shape[1] > 1000
    assert not (folder / "old.png").exists()


def test_demo_runs_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['lmk', 'demo', '-o', 'out']\n"
        "from lmk.cli import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"faces.onnx", "faces.mp4", "faces.jsonl", "sheet.png"} <= names
    assert following_error(read_landmarks(tmp_path / "out" / "faces.jsonl")) < 4


def test_demo_touches_no_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    for place in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(UsageError, match="contains other files"):
            demo.run_demo(place, Reporter(), train=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
