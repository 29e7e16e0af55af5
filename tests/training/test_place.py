from __future__ import annotations

from pathlib import Path

import pytest
from pictures import write_pictures

from lmk.data.pack import pack
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter
from lmk.training.checkpoint import check_apart


def test_a_training_does_not_write_among_its_own_pictures(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_pictures(photos, 2)
    (tmp_path / "link").symlink_to(photos)
    for run in (photos, tmp_path / "link", tmp_path, photos / "." / ".." / "photos"):
        with pytest.raises(UsageError, match=r"among the pictures of .*photos: choose a"):
            check_apart(run, photos)
    check_apart(photos / "run", photos)  # whose pictures are not listed
    check_apart(tmp_path / "photos-run", photos)
    pack(photos, tmp_path / "packed", Reporter())
    check_apart(tmp_path, tmp_path / "packed")
