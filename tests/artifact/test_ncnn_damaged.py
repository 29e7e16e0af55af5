"""A damaged ncnn file is refused before ncnn sees it, in one line that says what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmk.artifact.ncnn.from_onnx import ncnn_of
from lmk.artifact.ncnn.network import write_ncnn
from lmk.artifact.onnx_model import build_onnx
from lmk.inference.backends import ncnn as backend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model
from lmk.system.errors import WeightsError


@pytest.fixture
def file(student_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole file, and an ncnn that must not be asked to load it."""

    def asked(*_: object) -> None:
        raise AssertionError("ncnn was given a damaged file")

    path = tmp_path / "a.ncnn.param"
    write_ncnn(ncnn_of(build_onnx(student_model)), path)
    open_backend(str(path))
    monkeypatch.setattr(backend, "load_net", asked)
    return path


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        open_backend(str(path))
    said = str(caught.value)
    assert str(path.with_name("a.ncnn")) in said
    assert "\n" not in said
    assert len(said) < 600
    return said


@pytest.mark.parametrize(
    ("pattern", "new", "words"),
    [
        (r"^7767517", "7767518", "its first line is '7767518', expected 7767517"),
        (r"^7767517\n(\d+)", "7767517\n900", "its second line is '900 "),
        (r"\nReLU .*", "", "its second line is"),
        (r"\nSoftmax ", "\nYoloDetectionOutput ", "of the kind YoloDetectionOutput, expected one"),
        (r"\nSoftmax (\S+) 1 1", r"\nSoftmax \1 1 2", "is no layer|2 outputs"),
        (r"\nSoftmax \S+ 1 1", r"\nSoftmax a b c", r"line \d+ is no layer"),
        (r"(\nConvolution \S+ 1 1 \S+ \S+ 0=)16 ", r"\g<1>2000000 ", "parameter 0 is 2000000"),
        (r"(\nConvolution .* 1=)3 ", r"\g<1>2 ", "weights, expected"),
        (r"(\nConvolution .* 3=)2 ", r"\g<1>0 ", "parameter 3 is 0, expected 1 to"),
        (r"(\nConvolution .* 4=)1 ", r"\g<1>9 ", "parameter 4 is 9, expected 0 to 2"),
        (r"(\nConvolution .*) 9=1", r"\1", "it has the parameters"),
        (r"(\nConvolution .*) 9=1", r"\1 9=1 9=1", "expected different parameters"),
        (r"(\nConvolution .*) 31=7", r"\1", "expected different parameters, among them 31=7"),
        (r"(\nConvolution .*) 31=7", r"\1 31=0", "expected different parameters, among them 31=7"),
        (r"(\nInput .*) 0=128 1=128", r"\1 0=60000 1=60000", "values and"),
        (r"(\nInput .*) 0=128 1=128", r"\1 0=128 1=0", "it has the sizes"),
        (r"(\nInput .*) 0=128", r"\1 0=99999999999999999999", "is no parameter"),
        (r"(\nReduction .*)-23303=1,1", r"\1-23303=900,1", "is no parameter"),
        (r"(\nReduction .*)-23303=1,1", r"\1-23303=1,7", "do not fit it"),
        (r"(\nReshape .* 0=)1024", r"\g<1>1023", "do not fit it"),
        (r"(\nInterp .* 1=)2\.0+e\+00", r"\g<1>9.00000000e+01", "parameter 1 is 90.0, expected 2"),
        (r"(\nBinaryOp .* 0=)\d+", r"\g<1>77", "parameter 0 is 77"),
        (r"\nReLU (\S+) 1 1 (\S+)", r"\nReLU \1 1 1 nowhere", "nowhere is not made before"),
        (r"\nReLU (\S+) 1 1 (\S+) \S+", r"\nReLU \1 1 1 \2 images", "a tensor of its name|twice"),
        (r"# \{.*", "# {", "not an ncnn file"),
        (r"# \{.*", "# {}", "expected the metadata"),
        (r'"precision": "fp32"', '"precision": 3', "precision"),
        (r'"precision": "fp32"', '"precision": "fp1"', "has the precision 'fp1'"),
        (r'"num_landmarks": "7"', '"num_landmarks": "8"', r"\(B, 8, 2\)"),
        (r"# \{.*", "", "metadata|first line|no layer"),
        (r"^(.|\n)*", "", "its first line is ''"),
        (r"^", "\u00e9", "its first line is"),
    ],
)
def test_a_damaged_text(file: Path, pattern: str, new: str, words: str) -> None:
    whole = file.read_text()
    changed = re.sub(pattern, new, whole, count=1)
    assert changed != whole
    file.write_text(changed, "utf-8")
    assert re.search(words, refused(file))


def test_weights_of_another_size_or_type(file: Path) -> None:
    weights = file.with_name("a.ncnn.bin")
    whole = weights.read_bytes()
    for changed, words in (
        (whole[:-4], "bytes of weights"),
        (whole + bytes(4), "bytes, expected"),
        (b"", "weights"),
        (b"\x38\x4b\x0d\0" + whole[4:], "its weights are of the type 0xd4b38, expected 0x0"),
        (b"\x47\x6b\x30\x01" + whole[4:], "its weights are of the type"),  # half as many bytes
    ):
        weights.write_bytes(changed)
        assert re.search(words, refused(file))
    weights.unlink()
    assert "is missing: copy it beside a.ncnn.param" in refused(file)


def test_a_text_that_never_ends(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with file.open("a") as opened:
        opened.write(" " * 4_000_000)
    assert "expected at most 4,000,000" in refused(file)
