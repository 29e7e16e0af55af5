from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lmk.data.numpy_files import MAX_EXTRA, Known, find_npy, read_npz
from lmk.system.errors import DataError

KNOWN = Known((3, 5, 2), np.float32)


def npy(header: str, data: bytes = bytes(120), version: bytes = b"\x01\x00") -> bytes:
    """A .npy file with any header."""
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(padded).to_bytes(2, "little") + padded + data


def header(shape: str = "(3, 5, 2)", descr: str = "<f4", fortran: bool = False) -> str:
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"


def test_the_array_begins_behind_its_header(tmp_path: Path) -> None:
    array = np.arange(30, dtype=np.float32).reshape(3, 5, 2)
    np.save(tmp_path / "a.npy", array)
    offset = find_npy(tmp_path / "a.npy", KNOWN)
    assert (tmp_path / "a.npy").read_bytes()[offset:] == array.tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(header("(3, 5, 3)")), r"float32 \(3, 5, 3\), expected float32 \(3, 5, 2\)"),
        (npy(header("(-3, -5, 2)")), "expected float32"),
        (npy(header(f"({2**62}, 4, 4)")), "expected float32"),
        (npy(header(descr="|O")), "object"),
        (npy(header(descr="<f8")), "float64"),
        (npy(header(fortran=True)), "C order"),
        (npy(header(), bytes(119)), "is 247 bytes, expected 248"),
        (npy(header(), bytes(121)), "is 249 bytes, expected 248"),
        (npy(header(), version=b"\x02\x00"), "is"),
        (npy("{[]: 1}"), "not a NumPy file"),
        (npy("(" * 100), "not a NumPy file"),
        (npy("__import__('os').getcwd()"), "not a NumPy file"),
        (b"", "not a NumPy file"),
    ],
)  # fmt: skip
def test_any_other_array_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        find_npy(tmp_path / "a.npy", KNOWN)
    assert str(tmp_path / "a.npy") in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(DataError, match="a device or a pipe"):
        find_npy(tmp_path / "a", KNOWN)
    with pytest.raises(DataError, match="a device or a pipe"):
        read_npz(tmp_path / "a", {"xy": KNOWN})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_known_arrays_are_read_from_an_archive(tmp_path: Path, save) -> None:
    xy, flags = np.random.default_rng(0).random((3, 5, 2), np.float32), np.arange(3) > 1
    save(tmp_path / "a.npz", xy=xy, flags=flags)
    found = read_npz(tmp_path / "a.npz", {"xy": KNOWN, "flags": Known((3,), np.bool_)})
    np.testing.assert_array_equal(found["xy"], xy)
    np.testing.assert_array_equal(found["flags"], flags)
    assert found["xy"].flags.writeable


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "has"),
        ({"xy.npy": npy(header()), "z.npy": b""}, "has xy.npy, z.npy"),
        ({"../xy.npy": npy(header())}, "has ../xy.npy"),
        ({"xy.npy": npy(header(), bytes(99))}, "xy.npy is 227 bytes"),
        ({"xy.npy": npy(header(f"({2**40}, 5, 2)"))}, "expected float32"),
        ({"xy.npy": bytes(5 * MAX_EXTRA)}, "has 5,242,880 bytes, expected 120"),
    ],
)  # fmt: skip
def test_an_archive_of_anything_else_is_refused(tmp_path: Path, members, message: str) -> None:
    """The last is a bomb: 5 MiB of zeros in 5 kB."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataError) as caught:
        read_npz(tmp_path / "a.npz", {"xy": KNOWN})
    assert message in str(caught.value)


def test_flags_are_zero_or_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("flags.npy", npy(header("(3,)", "|b1"), b"\0\1\2"))
    with pytest.raises(DataError, match="neither 0 nor 1"):
        read_npz(tmp_path / "a.npz", {"flags": Known((3,), np.bool_)})
