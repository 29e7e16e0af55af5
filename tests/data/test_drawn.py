from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from lmk.data.coco import load_keypoints
from lmk.data.drawn import write_foxes
from lmk.data.synthetic import NAMES, draw
from lmk.system.errors import OutputError, UsageError
from lmk.system.progress import Reporter


def test_drawn_foxes_are_read_back_with_their_points(tmp_path: Path) -> None:
    file = write_foxes(tmp_path / "foxes", 11, seed=4, report=Reporter())
    data = load_keypoints(file, Reporter())
    crops, xy_crop = draw(11, seed=4)
    assert data.names == NAMES
    assert data.labelled.all()
    np.testing.assert_array_equal(data.crops, crops)
    np.testing.assert_allclose(data.xy_crop, xy_crop, atol=0.006)  # written with two digits


def test_a_folder_in_use_is_refused_and_a_failure_leaves_none(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "photo.png").touch()
    with pytest.raises(UsageError, match="already exists"):
        write_foxes(tmp_path, 2, seed=0, report=Reporter())

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="cannot write"):
        write_foxes(tmp_path / "foxes", 2, seed=0, report=Reporter())
    assert not (tmp_path / "foxes").exists()
    assert not (tmp_path / ".foxes.partial").exists()


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="nothing is locked to this user"
)
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputError, match=r"cannot write .*locked"):
        write_foxes(locked / "foxes", 2, seed=0, report=Reporter())
