from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmk.model.weights import check_keys, content_sha256, load_weights, save_weights
from lmk.system.errors import WeightsError

RANDOM = np.random.default_rng(0)


def arrays() -> dict[str, np.ndarray]:
    return {
        "conv.weight": RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "bn.running_var": np.array([1e-7, 3e5], np.float32),
    }


def test_matrices_are_stored_as_float16_and_vectors_as_float32(tmp_path) -> None:
    saved = arrays()
    save_weights(tmp_path / "w.safetensors", saved)
    loaded = load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(loaded["bn.running_var"], saved["bn.running_var"])
    rounded = saved["conv.weight"].astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(loaded["conv.weight"], rounded)
    assert loaded["conv.weight"].dtype == np.float32


@pytest.mark.parametrize("part", [slice(100), slice(-1), slice(0), slice(None, None, -1)])
def test_a_damaged_file_is_one_clear_error(tmp_path, part: slice) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, arrays())
    path.write_bytes(path.read_bytes()[part])
    with pytest.raises(WeightsError, match="not a complete safetensors file") as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(WeightsError, match="does not exist"):
        load_weights(tmp_path / "absent.safetensors")


def test_one_error_names_all_keys_that_differ() -> None:
    found = {"a": np.zeros((2, 3)), "extra": np.zeros(1)}
    with pytest.raises(WeightsError) as caught:
        check_keys(found, {"a": (3, 2), "b": (1,), "c": (1,)}, "core")
    message = str(caught.value)
    for part in ("missing: b, c", "unexpected: extra", "a is (2, 3), expected (3, 2)"):
        assert part in message


def test_hash_depends_on_content_alone() -> None:
    a = {"x": np.ones((2, 3), np.float16), "y": np.zeros(2, np.float32)}
    same = {"y": np.zeros(2, np.float16), "x": np.ones((2, 3), np.float32)}
    assert content_sha256(a) == content_sha256(same)
    assert content_sha256(a) != content_sha256({**a, "y": np.ones(2)})
    assert content_sha256(a) != content_sha256({**a, "x": np.ones((3, 2))})
    assert content_sha256(a) != content_sha256({"x": a["x"], "z": a["y"]})


def test_no_two_contents_have_the_same_hash() -> None:
    """A name that says a shape and values of its own would, and is none."""
    plain = {"a": np.frombuffer(b"AAAA", np.float32), "b": np.ones(1, np.float32)}
    joined = {"a(1,)AAAAb": np.ones(1, np.float32)}
    assert len(content_sha256(plain)) == 64
    with pytest.raises(WeightsError, match="not a tensor's name"):
        content_sha256(joined)
    two = {"a": np.ones((2, 1), np.float32)}
    assert content_sha256(two) != content_sha256({"a": np.ones((1, 2), np.float32)})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_are_numbers(tmp_path: Path, value: float) -> None:
    save_weights(tmp_path / "w.safetensors", {"a.bias": np.array([1, value], np.float32)})
    with pytest.raises(WeightsError, match=r"a\.bias has NaN or infinite"):
        load_weights(tmp_path / "w.safetensors")


def test_a_negative_variance_is_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", {"a.running_var": np.array([1, -0.5], np.float32)})
    with pytest.raises(WeightsError, match=r"a\.running_var has a negative variance"):
        load_weights(tmp_path / "w.safetensors")
