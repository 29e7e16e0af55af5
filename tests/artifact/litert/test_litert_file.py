"""A .tflite file that lmk did not write, or that is damaged, never reaches the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from litert_files import changed_file

from lmk.artifact.litert import read as reading
from lmk.artifact.litert.convert import to_litert
from lmk.artifact.litert.read import read
from lmk.artifact.litert.write import write
from lmk.artifact.onnx_model import build_onnx
from lmk.model.folder import Model

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def content(small_core: Model) -> bytes:
    return write(to_litert(build_onnx(small_core)))


def graph(model: Any) -> Any:
    return model.subgraphs[0]


def tensor(model: Any, name: str) -> Any:
    return next(one for one in graph(model).tensors if one.name == name.encode())


def constant(model: Any, name: str, *values: int) -> None:
    """Give a constant other values."""
    data = np.array(values, np.int32).view(np.uint8)
    model.buffers[tensor(model, name).buffer].data = data


def operation(model: Any, kind: str) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    number = getattr(schema.BuiltinOperator, kind)
    codes = [one.builtinCode for one in model.operatorCodes]
    return next(one for one in graph(model).operators if codes[one.opcodeIndex] == number)


def put(thing: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(thing, name, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: put(m.operatorCodes[0], builtinCode=32, deprecatedBuiltinCode=32), "32 is not"),
        (lambda m: m.subgraphs.append(m.subgraphs[0]), "2 graphs, expected one"),
        (lambda m: put(m.buffers[3], offset=8, size=8, data=None), "outside of the graph"),
        (lambda m: put(tensor(m, "down4.conv.bias"), buffer=900), "buffer 900 is missing"),
        (
            lambda m: put(tensor(m, "head.bias"), buffer=tensor(m, "down4.conv.bias").buffer),
            "that of two tensors",
        ),
        (lambda m: put(tensor(m, "head.bias"), shape=[13]), r"56 bytes for float32 \(13,\)"),
        (lambda m: put(tensor(m, "head.bias"), type=4), "of another type"),
        (lambda m: put(tensor(m, "images"), isVariable=True), "of another type"),
        (lambda m: put(tensor(m, "images"), shape=[1, 1 << 20, 1 << 20, 3]), "has the shapes"),
        (lambda m: put(operation(m, "CONV_2D"), inputs=[0, 1, 2]), "has the types"),
        (lambda m: put(operation(m, "CONV_2D"), inputs=[0, 1]), "CONV_2D has 2 inputs"),
        (lambda m: put(operation(m, "CONV_2D"), inputs=[0, 1, 9999]), "not computed before it"),
        (lambda m: put(operation(m, "CONV_2D").builtinOptions, strideW=0), "has strideW 0"),
        (
            lambda m: put(operation(m, "CONV_2D").builtinOptions, strideH=3),
            "expected .*-1, 43, 64,",
        ),
        (lambda m: put(operation(m, "ADD"), opcodeIndex=400), "the kind 400 of"),
        (lambda m: graph(m).operators.reverse(), "not computed before it"),
        (lambda m: graph(m).operators.append(graph(m).operators[3]), "computed twice"),
        (lambda m: put(graph(m), outputs=[9999]), "no tensor that is computed"),
        (lambda m: constant(m, "up8.up.sizes", 1 << 20, 1 << 20), "expected .*1048576"),
        (lambda m: constant(m, "heatmaps_flat.shape", -1, 7, 2048), "has the shape"),
        (lambda m: constant(m, "head.out.order", 0, 3, 1, 1), "order of axes"),
        (lambda m: constant(m, "scores.axes", 7), "sums along axis 7"),
        (
            lambda m: constant(m, "down2.bn.relu.padded.widths", 0, 0, 1, 1 << 30, 1, 1, 0, 0),
            "pads by",
        ),
    ],
)
def test_what_no_interpreter_should_see_is_refused(
    content: bytes, change: Callable[[Any], None], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        read(changed_file(content, change))


def test_a_file_of_another_kind_or_size_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in (b"", b"TFL3", content[:4] + b"TFL2" + content[8:]):
        with pytest.raises(ValueError, match="its identifier is"):
            read(other)
    monkeypatch.setattr(reading, "MOST_BYTES", len(content) - 1)
    with pytest.raises(ValueError, match="expected at most"):
        read(content)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_file_that_ends_too_early_is_refused(content: bytes, share: float) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(content[: int(share * len(content))])


def test_too_many_values_are_refused(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_VALUES", 100_000)
    with pytest.raises(ValueError, match="more than 100,000 values"):
        read(content)


def test_metadata_of_another_kind_is_refused(content: bytes) -> None:
    def put_text(text: bytes) -> bytes:
        def change(model: Any) -> None:
            data = np.frombuffer(text, np.uint8)
            model.buffers[model.metadata[0].buffer].data = data

        return changed_file(content, change)

    assert read(put_text(b'{"a": "b"}')).metadata == {"a": "b"}
    for text in (b'{"a": 3}', b"[]", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            read(put_text(text))
