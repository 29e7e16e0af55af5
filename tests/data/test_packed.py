from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from pictures import write_coco, write_pictures

from lmk.data.pack import pack
from lmk.data.packed import PackedCrops, content_sha256, is_packed, open_packed, verify
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

COUNT, SIZE = 11, 36


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "photos", COUNT)
    pack(tmp_path / "photos", tmp_path / "packed", Reporter(), SIZE)
    return tmp_path / "packed"


@pytest.fixture
def noise(tmp_path: Path) -> tuple[PackedCrops, np.ndarray]:
    """Crops without two bytes in a row alike, so that a wrong offset shows."""
    array = np.random.default_rng(3).integers(0, 255, (COUNT, SIZE, SIZE, 3), np.uint8)
    np.save(tmp_path / "crops.npy", array)
    offset = (tmp_path / "crops.npy").stat().st_size - array.nbytes
    return PackedCrops(tmp_path / "crops.npy", array.shape, offset, "?"), array


@pytest.mark.parametrize(
    "index",
    [
        np.array([3, 9, 0, 3]),
        np.array([10]),
        np.array([-1, -11], np.int32),
        np.array([], np.intp),
        np.array([7, 2], np.uint64),
        slice(2, 9, 3),
        slice(None, None, -1),
        slice(8, 99),
    ],
    ids=str,
)
def test_an_index_gives_what_the_array_gives(noise, index) -> None:
    crops, array = noise
    given = crops[index]
    assert given.dtype == np.uint8
    assert given.flags.owndata
    assert given.flags.writeable
    np.testing.assert_array_equal(given, array[index])


def test_packed_crops_look_like_the_array(noise) -> None:
    crops, array = noise
    assert len(crops) == COUNT
    assert crops.shape == array.shape
    np.testing.assert_array_equal(np.asarray(crops), array)
    np.testing.assert_array_equal(np.ascontiguousarray(crops), array)


def test_other_processes_can_be_given_packed_crops(noise) -> None:
    crops, array = noise
    again = pickle.loads(pickle.dumps(crops))
    np.testing.assert_array_equal(again[np.array([4, 1])], array[[4, 1]])


@pytest.mark.parametrize(
    "index",
    [
        np.array([11]),
        np.array([0, -12]),
        np.array([1.0]),
        np.array([True] * COUNT),
        np.zeros((2, 2), int),
    ],
    ids=["beyond", "before", "float", "mask", "2-D"],
)
def test_a_wrong_index_is_an_error(noise, index) -> None:
    with pytest.raises(IndexError, match="expected"):
        noise[0][index]


def test_a_vanished_or_shortened_file_is_a_data_error(noise) -> None:
    crops, _ = noise
    os.truncate(crops.path, crops.path.stat().st_size - 1)
    crops[np.array([0, 9])]  # still whole
    with pytest.raises(DataError, match="is shorter than before"):
        crops[np.array([0, 10])]
    crops.path.unlink()
    with pytest.raises(DataError, match="can no longer be read: No such file"):
        crops[np.array([0])]


def test_reading_maps_no_pages(noise) -> None:
    """A mapping of the file would stand in the process's map, and its pages in its memory."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("only Linux lists a process's mappings")
    crops, _ = noise
    crops[np.arange(COUNT)]
    assert str(crops.path) not in maps.read_text()


def test_an_array_and_its_packed_copy_have_one_hash(packed: Path) -> None:
    crops = open_packed(packed).crops
    assert content_sha256(crops) == content_sha256(np.asarray(crops))
    assert content_sha256(np.asarray(crops)[:-1]) != content_sha256(crops)


def test_verify_finds_a_changed_byte(packed: Path) -> None:
    assert len(verify(packed, Reporter()).crops) == COUNT
    with (packed / "crops.npy").open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    open_packed(packed)  # cheap, does not notice
    with pytest.raises(DataError, match=r"crops\.npy was changed after it was packed"):
        verify(packed, Reporter())


def test_verify_finds_a_changed_point(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    points = pack(write_coco(tmp_path, 4), folder, Reporter(), SIZE).keypoints
    assert points is not None
    verify(folder, Reporter())
    points.xy_crop[2, 1, 0] += 0.5
    np.savez(folder / "keypoints.npz", xy_crop=points.xy_crop, labelled=points.labelled)
    with pytest.raises(DataError, match=r"keypoints\.npz was changed after it was packed"):
        verify(folder, Reporter())


def cut(folder: Path) -> None:
    os.truncate(folder / "crops.npy", 5000)


def forget_a_file(folder: Path) -> None:
    edit(folder, lambda content: content["files"].pop())


def from_the_future(folder: Path) -> None:
    edit(folder, lambda content: content.update(format=2))


def other_size(folder: Path) -> None:
    edit(folder, lambda content: content.update(size=SIZE + 1))


def edit(folder: Path, change) -> None:
    content = json.loads((folder / "index.json").read_text())
    change(content)
    (folder / "index.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, r"crops\.npy is 5000 bytes, expected"),
        (forget_a_file, "count is 11, but there are 10 files"),
        (from_the_future, "format is 2, expected 1"),
        (other_size, "expected uint8"),
        (lambda folder: (folder / "index.json").write_text("{"), "not the index of a packed set"),
        (lambda folder: (folder / "index.json").write_text("[]"), "not the index of a packed set"),
        (lambda folder: (folder / "index.json").unlink(), "is not a packed set: make one with"),
        (lambda folder: (folder / "crops.npy").write_bytes(b"x" * 200), "is not a NumPy file"),
    ],
)  # fmt: skip
def test_a_damaged_set_is_one_clear_error(packed: Path, damage, message: str) -> None:
    damage(packed)
    assert is_packed(packed)
    with pytest.raises(DataError, match=message) as caught:
        open_packed(packed)
    assert "\n" not in str(caught.value)
    assert str(packed) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "11"}, r'count is "11", expected int'),
        ({"count": 12}, "count is 12, but there are 11 files"),
        ({"size": 15}, "size is 15, expected 16 to 4096"),
        ({"size": 10**6}, "size is 1000000, expected 16 to 4096"),
        ({"sha256": "0" * 63}, "expected 64 hexadecimal digits"),
        ({"sha256": None}, "sha256 is null, expected str"),
        ({"files": [1] * 11}, r"files\[0\] is 1, expected str"),
        ({"skipped": [{"file": "a.png"}]}, r"skipped\[0\]\.reason is missing"),
        ({"keypoints": {"names": ["a"]}}, r"keypoints\.category is missing"),
        ({"keypoints": {"category": "", "names": ["a", "a"], "sha256": "0" * 64}}, "one twice"),
        ({"keypoints": {"category": "", "names": ["a", 1], "sha256": "0" * 64}}, r"\[1\] is 1"),
        ({"author": "me"}, "author is unknown"),
    ],
)  # fmt: skip
def test_an_index_is_read_strictly(packed: Path, change, message: str) -> None:
    edit(packed, lambda content: content.update(change))
    with pytest.raises(DataError, match=message) as caught:
        open_packed(packed)
    assert str(packed / "index.json") in str(caught.value)


def test_an_index_that_an_earlier_lmk_wrote_is_read(packed: Path) -> None:
    """Written by hand, so that it does not follow the code."""
    digest = json.loads((packed / "index.json").read_text())["sha256"]
    files = ", ".join(f'"{i:03}.png"' for i in range(COUNT))
    (packed / "index.json").write_text(
        f'{{"format": 1, "count": {COUNT}, "size": {SIZE}, "sha256": "{digest}", '
        f'"keypoints": {{"category": "face", "names": ["nose"], "sha256": "{digest}"}}, '
        f'"files": [{files}], "skipped": [{{"file": "b.png", "reason": "is broken"}}]}}'
    )
    xy_crop, labelled = np.full((COUNT, 1, 2), 4, np.float32), np.ones((COUNT, 1), bool)
    np.savez(packed / "keypoints.npz", xy_crop=xy_crop, labelled=labelled)
    opened = open_packed(packed)
    assert opened.keypoints is not None
    np.testing.assert_array_equal(opened.keypoints.xy_crop, xy_crop)
    assert opened.index.skipped[0].reason == "is broken"
    np.savez_compressed(packed / "keypoints.npz", xy_crop=xy_crop, labelled=labelled)
    assert open_packed(packed).keypoints is not None


def test_labelled_points_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    points = pack(write_coco(tmp_path, 4), folder, Reporter(), SIZE).keypoints
    assert points is not None
    points.xy_crop[2, 1, 0] = np.nan
    np.savez(folder / "keypoints.npz", xy_crop=points.xy_crop, labelled=points.labelled)
    with pytest.raises(DataError, match=r"keypoints\.npz has labelled points that are not finite"):
        open_packed(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", None])
def test_damaged_keypoints_are_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "packed"
    pack(write_coco(tmp_path, 4), folder, Reporter(), SIZE)
    if content is None:
        np.savez(folder / "keypoints.npz", xy_crop=np.zeros((4, 2, 2)), labelled=np.ones((4, 2)))
    else:
        (folder / "keypoints.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"keypoints\.npz does not match its index"):
        open_packed(folder)
