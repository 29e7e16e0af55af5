from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bench.records import absent, bench_record, row

from lmk.artifact.onnx_model import build_onnx, save_onnx
from lmk.bench.cases import Case
from lmk.bench.fastest import Limit, choose
from lmk.inference.backends import saved_choice as saved_choices
from lmk.inference.backends.saved_choice import (
    choice_file,
    machine_identity,
    save_choice,
    saved_choice,
)
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.model.framing import Framing
from lmk.system.errors import LmkError, UnavailableError

FP32 = Case("openvino", "cpu", "fp32", 2)
BF16 = Case("openvino", "cpu", "bf16")
INT8 = Case("onnxruntime", "cpu", "int8", 1)
ENGINE = Case("tensorrt", "cuda", "fp16")
CHANGED_MACHINE = "the machine, its usable cores or its GPU"


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
        (Limit(0.5, calibrated=False), BF16),
    ],
)
def test_the_fastest_within_the_limit_is_chosen(
    adapter_model, file: Path, limit: Limit, expected: Case
) -> None:
    found = choose(adapter_model, record(), dict.fromkeys((FP32, BF16, INT8), file), limit)
    assert Case(found.runtime, found.device, found.precision, found.threads) == expected


def test_nothing_within_the_limit_is_an_error(adapter_model, file: Path) -> None:
    with pytest.raises(LmkError, match="larger --limit"):
        choose(adapter_model, record(), dict.fromkeys((FP32, BF16, INT8), file), Limit(1e-6))


@pytest.fixture
def saved(adapter_model, file: Path) -> str:
    """A choice of ONNX Runtime with one thread, where auto would take OpenVINO."""
    return save(adapter_model, file)


def save(model: Model, file: Path) -> str:
    case = Case("onnxruntime", "cpu", "fp32", 1)
    save_choice(choose(model, bench_record([row(case)], model.sha256), {case: file}, Limit()))
    return str(model.folder)


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
    (path,) = saved_choices.choice_folder().iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


NONE = (None, None)
STALE = {
    "another machine": ({"machine": "Some other chip, cores 0,1,2,3"}, "the machine, its usable"),
    "another model": ({"model_sha256": "cd" * 32}, "the model"),
    "another version": ({"versions": {"lmk": "0.0.1"}}, "the version of lmk"),
    "file changed": ({"file_sha256": "cd" * 32}, "its exported file"),
    "file gone": ({"file": "/nowhere.onnx"}, "its exported file"),
    "file without end": ({"file": "/dev/zero"}, "its exported file"),
}


@pytest.mark.parametrize(("changes", "said"), STALE.values(), ids=STALE)
def test_a_stale_choice_is_not_used_and_says_why(saved: str, changes: dict, said: str) -> None:
    choice, changed = saved_choice(saved, None)
    assert choice is not None
    assert changed is None
    edit(**changes)
    choice, changed = saved_choice(saved, None)
    assert choice is None
    assert changed.startswith(said)


@pytest.mark.parametrize(
    "changes", [{"schema_version": 1}, {"unknown": 1}, {"runtime": "sh"}, {"threads": "1"}]
)
def test_a_choice_of_another_lmk_is_not_used_and_says_why(saved: str, changes: dict) -> None:
    edit(**changes)
    assert saved_choice(saved, None) == (None, "the format of saved choices")
    assert "because the format of saved choices changed" in open_backend(saved).description


def test_a_choice_ends_when_the_framing_changes_and_auto_says_so(
    adapter_model, file: Path, tmp_path: Path
) -> None:
    """The measured file carries the old framing, which would follow objects wrongly."""
    folder = tmp_path / "model"
    shutil.copytree(adapter_model.folder, folder)
    save(find_model(str(folder)), file)
    assert open_backend(str(folder)).name == "onnxruntime"

    points = tuple((10.0 * index, 5.0 * index) for index in range(7))
    framing = Framing(points, spread_px=3.0, score=0.4)
    replace(adapter_model.manifest, framing=framing).write(folder)
    assert find_model(str(folder)).sha256 == adapter_model.sha256
    backend = open_backend(str(folder))
    assert (backend.name, backend.framing) == ("openvino", framing)
    assert backend.description.endswith(
        "; the choice of lmk bench is ignored, because the model changed: run  "
        f"lmk bench {folder} --save  again"
    )


def test_a_choice_for_the_gpu_is_not_used_when_the_processor_is_asked_for(saved: str) -> None:
    edit(device="cuda", machine=machine_identity("cuda"))
    assert saved_choice(saved, "cpu") == NONE
    assert saved_choice(saved, None)[0] is not None


def test_a_choice_for_a_gpu_that_is_gone_is_not_used(
    saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = SimpleNamespace(name="NVIDIA RTX A2000", compute_capability="8.6")
    with monkeypatch.context() as patch:
        patch.setattr(saved_choices, "Cuda", lambda: gpu)
        edit(device="cuda", machine=machine_identity("cuda"))
        assert saved_choice(saved, None)[0] is not None
    monkeypatch.setattr(saved_choices, "Cuda", no_gpu)
    assert saved_choice(saved, None) == (None, CHANGED_MACHINE)


def no_gpu() -> None:
    raise UnavailableError("no NVIDIA driver found")


def test_a_choice_that_cannot_be_read_is_not_used(saved: str, adapter_model) -> None:
    choice_file(adapter_model.reference).write_text("{")
    assert saved_choice(saved, None) == (None, "the format of saved choices")


def test_versions_and_cores_are_part_of_what_holds(
    saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_choices, "usable_cores", lambda: [0, 1, 2, 3, 4])
    assert saved_choice(saved, None) == (None, CHANGED_MACHINE)
