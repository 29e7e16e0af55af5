from __future__ import annotations

import builtins

import numpy as np
import pytest
from scipy.io import savemat

from lmk.data.prepare.catalogue import PUBLIC_SETS, find_set
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError, UnavailableError

SET = find_set("lsp")


def test_the_first_place_that_exists_is_found(tmp_path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "c").touch()
    source = Source(tmp_path, SET)
    assert source.find("a", "b", "c") == tmp_path / "b"
    assert source.find("c") == tmp_path / "c"


@pytest.mark.parametrize("public_set", PUBLIC_SETS, ids=lambda public_set: public_set.name)
def test_a_missing_file_is_named_with_its_set_and_page(tmp_path, public_set) -> None:
    with pytest.raises(DataError) as caught:
        Source(tmp_path, public_set).find("joints.mat", "mat/joints.mat")
    message = str(caught.value)
    for part in ("joints.mat or mat/joints.mat", public_set.title, public_set.page, str(tmp_path)):
        assert part in message
    assert "\n" not in message


def test_points_of_another_shape_are_refused(tmp_path) -> None:
    savemat(tmp_path / "a.mat", {"joints": np.zeros((14, 3, 5))})
    source = Source(tmp_path, SET)
    assert source.points(tmp_path / "a.mat", "joints", (14, 3, -1)).shape == (14, 3, 5)
    with pytest.raises(DataError, match="joints is 14 x 3 x 5, expected 3 x 14 x N"):
        source.points(tmp_path / "a.mat", "joints", (3, 14, -1))
    with pytest.raises(DataError, match=r"expected 14 x 3$"):
        source.points(tmp_path / "a.mat", "joints", (14, 3))
    savemat(tmp_path / "b.mat", {"joints": np.array([[1, 2], [3, np.nan]])})
    with pytest.raises(DataError, match="not finite"):
        source.points(tmp_path / "b.mat", "joints", (2, 2))
    with pytest.raises(DataError, match="lacks the variable gt of Leeds Sports Pose"):
        source.points(tmp_path / "a.mat", "gt", (14, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(64), "save -v7"),
        (b"not a MATLAB file at all, whatever its name says" * 8, "not a MATLAB file"),
        (b"", "not a MATLAB file"),
    ],
)
def test_a_mat_file_that_scipy_cannot_read_is_one_clear_error(tmp_path, content, message) -> None:
    (tmp_path / "joints.mat").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        Source(tmp_path, SET).mat(tmp_path / "joints.mat", "joints")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_mat_file_is_one_clear_error(tmp_path, compressed, share) -> None:
    file = tmp_path / "joints.mat"
    joints = np.random.default_rng(0).random((3, 14, 50))
    savemat(file, {"joints": joints}, do_compression=compressed)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(DataError, match=r"not a MATLAB file that SciPy can read"):
        Source(tmp_path, SET).mat(file, "joints")


def test_without_scipy_the_extra_is_named(tmp_path, monkeypatch) -> None:
    imported = builtins.__import__

    def without_scipy(name, *rest):
        if name.startswith("scipy"):
            raise ModuleNotFoundError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_scipy)
    with pytest.raises(UnavailableError, match=r"scipy is not installed.*lmk-toolkit\[train\]"):
        Source(tmp_path, SET).mat(tmp_path / "joints.mat")


def test_lists_are_read_in_utf_8_wherever_they_are_read(tmp_path) -> None:
    (tmp_path / "list.txt").write_bytes("\ufeffä.jpg 1 2\n狐.jpg 3 4\n".encode())
    source = Source(tmp_path, SET)
    assert source.names(tmp_path / "list.txt") == ["ä.jpg", "狐.jpg"]
    (tmp_path / "list.txt").write_bytes("ä.jpg 1 2\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"list\.txt cannot be read: it is not text in UTF-8"):
        source.rows(tmp_path / "list.txt", 2)


def test_points_that_are_text_are_refused(tmp_path) -> None:
    savemat(tmp_path / "a.mat", {"joints": np.array([["a", "b"], ["c", "d"]], object)})
    with pytest.raises(DataError, match="joints has entries that are not numbers"):
        Source(tmp_path, SET).points(tmp_path / "a.mat", "joints", (2, 2))
