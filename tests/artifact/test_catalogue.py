"""The tables of precisions, runtimes and formats fit one another and the code that they name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lmk.artifact.catalogue import (
    FORMATS,
    PRECISIONS,
    PREFERENCE,
    RUNTIMES,
    files_of,
    format_for,
    format_of,
    listed,
    load,
    reads_engines,
    second_file,
    stem_of,
)
from lmk.cli import app
from lmk.exporting.writer import Writer
from lmk.inference.backends import select

ROOT = Path(__file__).parents[2]


def test_the_tables_name_one_another_by_words_that_exist() -> None:
    for format in FORMATS.values():
        assert set(format.precisions) <= PRECISIONS.keys()
        assert set(format.outside_graph) <= set(format.precisions)
        assert set(format.runtimes) <= RUNTIMES.keys()
    for runtime in RUNTIMES.values():
        assert runtime.devices.keys() <= PREFERENCE.keys()
        for device in runtime.devices.values():
            assert set(device.computes) <= PRECISIONS.keys()
    for names in PREFERENCE.values():
        assert set(names) <= RUNTIMES.keys()
    onnx_inside = ("page", "repository")
    files = [format for format in FORMATS.values() if format.noun not in onnx_inside]
    assert len({format.suffix for format in files}) == len(files)


def test_the_code_that_the_tables_name_exists() -> None:
    assert all(isinstance(load(format.writer), Writer) for format in FORMATS.values())
    assert all(callable(load(runtime.backend)) for runtime in RUNTIMES.values())
    assert all(callable(load(p.quantizer)) for p in PRECISIONS.values() if p.quantizer)


def test_every_extra_that_a_runtime_names_brings_one_of_its_packages() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    for runtime in RUNTIMES.values():
        for device in runtime.devices.values():
            extra = re.search(rf"^{device.extra} = \[(.*?)\]\n", text, re.DOTALL | re.MULTILINE)
            assert extra is not None, device.extra
            brought = re.findall(r'"([\w-]+)', extra[1])
            assert set(brought) & set(runtime.packages), (runtime.name, device.extra)


def test_choices_of_the_command_line_are_those_of_the_tables() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]

    def help_of(command: str, option: str) -> str:
        (found,) = (p for p in commands[command].params if option in p.opts)
        return f"{found.metavar} {found.help}"

    for name in FORMATS:
        assert name in help_of("export", "--format")
    for name in PRECISIONS:
        assert name in help_of("export", "--precision")
        assert name in help_of("bench", "--precision")
    for name in RUNTIMES:
        assert name in help_of("run", "--runtime")
        assert name in help_of("bench", "--runtime")


@pytest.mark.parametrize(
    ("runtime", "precision", "format"),
    [
        ("onnxruntime", "fp16", "onnx"),
        ("onnxruntime", "bf16", None),
        ("openvino", "fp32", "onnx"),
        ("openvino", "fp16", "openvino"),
        ("openvino", "bf16", "openvino"),
        ("openvino", "int8", "onnx"),
        ("litert", "int8", "litert"),
        ("litert", "bf16", None),
        ("tensorrt", "int8", "tensorrt"),
        ("tensorrt-rtx", "bf16", None),
        ("torch", "fp32", None),
        ("ncnn", "fp32", "ncnn"),
        ("ncnn", "int8", None),
    ],
)
def test_a_runtime_is_given_its_own_format_only_where_onnx_cannot_say_the_precision(
    runtime: str, precision: str, format: str | None
) -> None:
    found = format_for(runtime, precision)
    assert (found and found.name) == format


def test_files_are_told_by_their_suffix(tmp_path: Path) -> None:
    suffixes = {
        "a.onnx": "onnx",
        "b/c-fp16.xml": "openvino",
        "a.plan": "tensorrt",
        "v1.2-fp16.ncnn.param": "ncnn",
        "a.tflite": "litert",
        "a.mlpackage": "coreml",
    }
    for path, name in suffixes.items():
        found = format_of(path)
        assert found is not None
        assert found.name == name
    for word in ("faces", "runs/mugs", "mugs.adapter", "a.bin", "a.param", ".onnx", "onnx"):
        assert format_of(word) is None
    model, weights = tmp_path / "a.xml", tmp_path / "a.bin"
    assert files_of(model) == [model]
    weights.touch()
    assert files_of(model) == [model, weights]
    assert files_of(tmp_path / "a.onnx") == [tmp_path / "a.onnx"]
    assert second_file(tmp_path / "v1.2.ncnn.param") == tmp_path / "v1.2.ncnn.bin"
    stems = {"v1.2.ncnn.param": "v1.2", "v1.2.onnx": "v1.2", "mugs.adapter": "mugs"}
    assert {name: stem_of(tmp_path / name) for name in stems} == stems


def test_an_engine_is_read_by_its_runtime_alone() -> None:
    assert reads_engines("tensorrt")
    assert not reads_engines("onnxruntime")


@pytest.mark.parametrize(
    ("words", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_words_in_a_row(words: list[str], text: str) -> None:
    assert listed(words, "or") == text


def test_auto_is_no_runtime_of_the_table() -> None:
    assert ("auto", *RUNTIMES) == select.NAMES


def test_the_tables_wait_for_no_library() -> None:
    code = (
        "import sys, lmk.artifact.catalogue; "
        "print(sorted({'numpy', 'onnx', 'typer', 'torch'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
