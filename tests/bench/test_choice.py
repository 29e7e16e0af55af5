from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bench.records import absent, bench_record, row

from lmk.bench.cases import Case
from lmk.bench.choice import Limit, choose
from lmk.errors import LmkError
from lmk.export.onnx_model import build_onnx, save_onnx
from lmk.runtime.backends import chosen
from lmk.runtime.backends.chosen import choice_file, save_choice, saved_choice
from lmk.runtime.backends.select import open_backend

FP32 = Case("openvino", "cpu", "fp32", 2)
BF16 = Case("openvino", "cpu", "bf16")
INT8 = Case("onnxruntime", "cpu", "int8", 1)
ENGINE = Case("tensorrt", "cuda", "fp16")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def file(adapter_model, tmp_path: Path) -> Path:
    path = tmp_path / "adapter.onnx"
    save_onnx(build_onnx(adapter_model), path)
    return path


def record(sha256: str = "ab" * 32) -> dict:
    return bench_record(
        [
            row(FP32, 20.0, 1e-5),
            row(BF16, 11.0, 0.2),
            row(INT8, 5.0, 0.4),
            absent(ENGINE, "no driver"),
        ],
        sha256,
    )


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(0.5), INT8),
        (Limit(0.3), BF16),
        (Limit(0.1), FP32),
        (Limit(0.5, int8=False), BF16),
    ],
)
def test_the_fastest_within_the_limit_is_chosen(file: Path, limit: Limit, expected: Case) -> None:
    found = choose(record(), dict.fromkeys((FP32, BF16, INT8), file), limit)
    assert Case(found.runtime, found.device, found.precision, found.threads) == expected


def test_nothing_within_the_limit_is_an_error(file: Path) -> None:
    with pytest.raises(LmkError, match="larger --limit"):
        choose(record(), dict.fromkeys((FP32, BF16, INT8), file), Limit(1e-6))


@pytest.fixture
def saved(adapter_model, file: Path) -> str:
    """A choice of ONNX Runtime with one thread, where auto would take OpenVINO."""
    only = bench_record([row(Case("onnxruntime", "cpu", "fp32", 1))], adapter_model.sha256)
    save_choice(choose(only, {Case("onnxruntime", "cpu", "fp32", 1): file}, Limit()))
    return str(adapter_model.folder)


def test_auto_takes_the_saved_choice_and_says_so(saved: str) -> None:
    backend = open_backend(saved)
    assert backend.name == "onnxruntime"
    assert backend.description.endswith("float32, chosen by lmk bench")
    assert "chosen" not in open_backend(saved, saved=False).description
    asked = open_backend(saved, "openvino")
    assert "chosen" not in asked.description
    images = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    np.testing.assert_allclose(backend.infer(images)[0], asked.infer(images)[0], atol=0.05)


def edit(**changes: object) -> None:
    (path,) = chosen.choice_folder().iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


STALE = {
    "another machine": {"machine": "Some other chip, cores 0,1,2,3"},
    "another model": {"model_sha256": "cd" * 32},
    "another version": {"versions": {"lmk": "0.0.1"}},
    "another lmk": {"schema_version": 2},
    "another kind of file": {"unknown": 1},
    "file changed": {"file_sha256": "cd" * 32},
    "file gone": {"file": "/nowhere.onnx"},
}


@pytest.mark.parametrize("changes", STALE.values(), ids=STALE)
def test_a_stale_choice_is_not_used(saved: str, changes: dict) -> None:
    assert saved_choice(saved, None) is not None
    edit(**changes)
    assert saved_choice(saved, None) is None


def test_with_a_stale_choice_auto_is_what_it_was(saved: str) -> None:
    edit(machine="Some other chip, cores 0")
    backend = open_backend(saved)
    assert backend.name == "openvino"
    assert "chosen" not in backend.description


def test_a_choice_for_the_gpu_is_not_used_when_the_processor_is_asked_for(saved: str) -> None:
    edit(device="cuda")
    assert saved_choice(saved, "cpu") is None
    assert saved_choice(saved, None) is not None


def test_a_choice_that_cannot_be_read_is_none(saved: str, adapter_model) -> None:
    choice_file(adapter_model.sha256).write_text("{")
    assert saved_choice(saved, None) is None


def test_versions_and_cores_are_part_of_what_holds(
    saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen, "usable_cores", lambda: [0, 1, 2, 3, 4])
    assert saved_choice(saved, None) is None
