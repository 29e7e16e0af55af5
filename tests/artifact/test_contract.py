from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from colour_detector import METADATA, save_detector
from onnx import TensorProto

from lmk.inference.backends.select import open_backend
from lmk.system.errors import WeightsError

RUNTIMES = pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])


@RUNTIMES
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metadata": {}}, ["schema_version", r"got \[\]"]),
        ({"metadata": METADATA | {"schema_version": "2"}}, ["schema_version 2", "expected 1"]),
        ({"metadata": METADATA | {"task": "boxes"}}, ["not a model that lmk exported"]),
        ({"metadata": METADATA | {"num_landmarks": "5"}}, [r"\(B, 5, 2\)", r"\(B, 3, 2\)"]),
        ({"input_name": "data"}, [r"images: uint8 \(B, S, S, 3\)", r"got data: uint8"]),
        ({"input_type": TensorProto.FLOAT}, [r"got images: float32 \(B, 128, 128, 3\)"]),
        ({"scores_name": "confidence"}, [r"scores: float32 \(B, 3\)", "got .*confidence"]),
    ],
    ids=["no metadata", "schema", "task", "count", "input name", "input type", "output name"],
)
def test_other_models_are_refused(
    tmp_path: Path, runtime: str, changes: dict, words: list[str]
) -> None:
    path = save_detector(tmp_path / "other.onnx", **changes)
    for word in words:
        with pytest.raises(WeightsError, match=word) as caught:
            open_backend(str(path), runtime)
    assert "\n" not in str(caught.value)


@RUNTIMES
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.97])
def test_a_truncated_file_is_refused_in_one_line(
    tmp_path: Path, detector: Path, runtime: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = detector.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match=r"cut\.onnx is no") as caught:
        open_backend(str(path), runtime)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@RUNTIMES
def test_garbage_is_refused_in_one_line(
    tmp_path: Path, runtime: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "garbage.onnx"
    path.write_bytes(b"no model at all " * 100)
    with pytest.raises(WeightsError, match=r"garbage\.onnx is no") as caught:
        open_backend(str(path), runtime)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@RUNTIMES
def test_a_missing_file_is_refused(tmp_path: Path, runtime: str) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.onnx"):
        open_backend(str(tmp_path / "nowhere.onnx"), runtime)


@RUNTIMES
def test_a_good_file_gives_its_number_of_landmarks(detector: Path, runtime: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_backend(str(detector), runtime).num_landmarks == 3
