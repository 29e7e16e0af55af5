from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from clips import full_disk
from pictures import NAMES, write_coco, write_pictures

from lmk.data.images import list_images, load_crops
from lmk.data.pack import pack
from lmk.data.packed import open_packed
from lmk.data.packed_index import UnusablePicture
from lmk.system.errors import DataError, OutputError, UsageError
from lmk.system.progress import Reporter

SIZE = 36


def test_a_folder_is_packed_in_the_order_of_its_paths(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_pictures(photos / "b", 3)
    write_pictures(photos / "a", 2, (64, 90))
    packed = pack(photos, tmp_path / "out", Reporter(), SIZE)
    assert packed.index.files == ["a/000.png", "a/001.png", *(f"b/00{i}.png" for i in range(3))]
    assert packed.keypoints is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["crops.npy", "index.json"]
    plain = np.load(tmp_path / "out" / "crops.npy", mmap_mode="r")
    assert plain.shape == (5, SIZE, SIZE, 3)
    assert plain.dtype == np.uint8
    assert [crop[9, 9].tolist() for crop in plain] == [[i, 2 * i, 3 * i] for i in (0, 1, 0, 1, 2)]


def test_packing_gives_the_crops_of_loading(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photos = tmp_path / "photos"
    from PIL import Image

    photos.mkdir()
    for i in range(70):  # more than are decoded ahead
        pixels = rng.integers(0, 255, (40 + i, 75, 3), np.uint8)
        Image.fromarray(pixels).save(photos / f"{i:02}.{'jpg' if i % 2 else 'png'}")
    packed = pack(photos, tmp_path / "out", Reporter(), SIZE)
    loaded = load_crops(list_images(photos), Reporter(), SIZE).crops
    np.testing.assert_array_equal(packed.crops[:], loaded)


def test_skipped_files_leave_no_gap_and_are_listed_with_reasons(tmp_path: Path, capsys) -> None:
    photos = tmp_path / "photos"
    write_pictures(photos, 25)
    (photos / "004.png").write_bytes(b"broken")
    write_pictures(photos / "tiny", 1, (100, 20))
    packed = pack(photos, tmp_path / "out", Reporter(), SIZE)
    kept = [i for i in range(25) if i != 4]
    assert packed.index.count == 24
    assert packed.crops[:][:, 0, 0, 0].tolist() == kept
    assert packed.index.files == [f"{i:03}.png" for i in kept]
    assert packed.index.skipped == [
        UnusablePicture("004.png", "is not a picture of a known format"),
        UnusablePicture("tiny/000.png", "is 100 x 20 pixels, expected at least 32 per side"),
    ]
    assert "skipped 2 of 26 images" in capsys.readouterr().err


def test_points_are_packed_in_crop_pixels(tmp_path: Path) -> None:
    """80 x 60 pictures: 10 columns go on each side, 60 px become 36, so the scale is 0.6."""
    file = write_coco(tmp_path, 12, without=(7,))
    (tmp_path / "images" / "005.png").write_bytes(b"broken")
    packed = pack(file, tmp_path / "out", Reporter(), SIZE)
    points = packed.keypoints
    assert points is not None
    assert (points.category, points.names) == ("face", NAMES)
    kept = [i for i in range(12) if i != 5]
    assert points.xy_crop.shape == (11, 3, 2)
    assert points.xy_crop.dtype == np.float32
    for row, i in enumerate(kept):
        labelled = [False] * 3 if i == 7 else [True, True, i % 3 != 0]
        assert points.labelled[row].tolist() == labelled
        expected = [[(20 + i + 0.5 - 10) * 0.6 - 0.5, (10 + k + 0.5) * 0.6 - 0.5] for k in range(3)]
        np.testing.assert_allclose(
            points.xy_crop[row][labelled], np.array(expected)[labelled], atol=1e-5
        )


def test_a_coco_file_without_annotations_is_packed_without_points(tmp_path: Path) -> None:
    file = write_coco(tmp_path, 3)
    content = json.loads(file.read_text())
    for categories in ([], [{"id": 1, "name": "shoe", "keypoints": []}]):
        file.write_text(json.dumps({**content, "annotations": [], "categories": categories}))
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        packed = pack(file, tmp_path / "out", Reporter(), SIZE)
        assert packed.keypoints is None
        assert len(packed.crops) == 3


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 3)
    out = tmp_path / "out"
    out.mkdir()
    pack(tmp_path / "photos", out, Reporter(), SIZE)  # an empty folder is as good as none
    before = (out / "crops.npy").read_bytes()
    with pytest.raises(UsageError, match="already exists"):
        pack(tmp_path / "photos", out, Reporter(), SIZE)
    assert (out / "crops.npy").read_bytes() == before
    with pytest.raises(UsageError, match="already packed"):
        pack(out, tmp_path / "again", Reporter(), SIZE)


def test_nothing_is_left_of_a_pack_that_fails(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 5)
    (tmp_path / "photos" / "003.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="1 of the first 4 images"):
        pack(tmp_path / "photos", tmp_path / "out", Reporter(), SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_full_disk_is_told_before_and_during_the_work(tmp_path: Path, monkeypatch) -> None:
    write_pictures(tmp_path / "photos", 40)
    with full_disk(60_000), pytest.raises(OutputError, match=r"cannot write .*out"):
        pack(tmp_path / "photos", tmp_path / "out", Reporter(), SIZE)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000))
    with pytest.raises(OutputError, match=r"needs 0\.0 GB"):
        pack(tmp_path / "photos", tmp_path / "out", Reporter(), SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_killed_pack_leaves_no_set_and_does_not_hinder_the_next(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 30)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from lmk.data import images\n"
        "from lmk.data.pack import pack\n"
        "from lmk.system.progress import Reporter\n"
        "read = images.read_crop\n"
        "def die(path, *rest):\n"
        "    if path.name == '020.png':\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return read(path, *rest)\n"
        "images.read_crop = die\n"
        "pack(Path('photos'), Path('out'), Reporter(), 36)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(root)}, check=False
    )
    assert done.returncode == -9
    assert not (tmp_path / "out").exists()
    pack(tmp_path / "photos", tmp_path / "out", Reporter(), SIZE)
    assert len(open_packed(tmp_path / "out").crops) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos"]
