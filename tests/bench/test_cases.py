from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lmk.artifact import provenance
from lmk.artifact.catalogue import RUNTIMES
from lmk.bench import cases
from lmk.bench.cases import Case, list_cases, prepare
from lmk.exporting.export import export_model
from lmk.exporting.samples import drawn_samples
from lmk.model.framing import Framing
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "gpu_here", lambda: False)


def test_left_alone_each_precision_is_measured_where_it_is_computed_in() -> None:
    cases = list_cases((), (), (None,), "cpu")
    assert {c.runtime for c in cases} == {r.name for r in RUNTIMES.values() if "cpu" in r.devices}
    assert {(c.runtime, c.precision) for c in cases} == {
        (r.name, p)
        for r in RUNTIMES.values()
        if "cpu" in r.devices
        for p in r.devices["cpu"].computes
    }
    assert Case("openvino", "cpu", "bf16") in cases
    assert Case("openvino", "cpu", "fp16") not in cases  # only stored in it


def test_asked_for_by_name_a_precision_is_measured_everywhere() -> None:
    found = list_cases(("onnxruntime", "openvino"), ("fp16",), (None,), None)
    assert found == [Case("onnxruntime", "cpu", "fp16"), Case("openvino", "cpu", "fp16")]


def test_engines_are_rows_also_where_no_gpu_is_here() -> None:
    found = {c.runtime for c in list_cases((), (), (None,), None) if c.device == "cuda"}
    assert found >= {"tensorrt", "tensorrt-rtx"}


def test_a_gpu_adds_the_runtimes_that_can_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "gpu_here", lambda: True)
    found = list_cases(("onnxruntime", "openvino"), ("fp32",), (1, 2), None)
    assert found == [
        Case("onnxruntime", "cpu", "fp32", 1),
        Case("onnxruntime", "cpu", "fp32", 2),
        Case("onnxruntime", "cuda", "fp32", None),  # threads are the processor's
        Case("openvino", "cpu", "fp32", 1),
        Case("openvino", "cpu", "fp32", 2),
    ]


@pytest.mark.parametrize(
    ("runtimes", "precisions", "word"), [(("tflite",), (), "tflite"), ((), ("fp8",), "fp8")]
)
def test_an_unknown_word_is_wrong_usage(runtimes: tuple, precisions: tuple, word: str) -> None:
    with pytest.raises(UsageError, match=f"{word}: expected all, or some of"):
        list_cases(runtimes, precisions, (None,), None)


@pytest.mark.parametrize(("runtime", "device"), [("openvino", "cuda"), ("tensorrt", "cpu")])
def test_choices_that_leave_nothing_are_wrong_usage(runtime: str, device: str) -> None:
    with pytest.raises(UsageError, match=f"{runtime} does not run on {device}"):
        list_cases((runtime,), (), (None,), device)


def test_a_file_is_made_again_when_the_packages_changed(
    adapter_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    case, samples, made = Case("onnxruntime", "cpu", "fp32"), drawn_samples(128, 2), []
    monkeypatch.setattr(
        cases, "export_model", lambda *arguments: made.append(export_model(*arguments))
    )
    for versions in (None, None, {"lmk": "9.9"}, {"lmk": "9.9"}):
        if versions:
            monkeypatch.setattr(provenance, "tool_versions", lambda: {"lmk": "9.9"})
            monkeypatch.setattr(cases, "tool_versions", lambda: {"lmk": "9.9"})
        prepare(case, adapter_model, (1,), samples, samples, Reporter())
    assert len(made) == 2


def test_int8_is_made_again_for_other_crops_of_either_kind(
    adapter_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranges are measured on some, and layers left in float32 by others."""
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    monkeypatch.setattr(cases, "export_model", lambda *_: None)
    case, few, many = (
        Case("onnxruntime", "cpu", "int8"),
        drawn_samples(128, 2),
        drawn_samples(128, 3),
    )
    files = {
        prepare(case, adapter_model, (1,), samples, calibration, Reporter())
        for samples in (few, many)
        for calibration in (few, many)
    }
    assert len(files) == 4


def test_a_model_framed_otherwise_is_measured_with_a_file_of_its_own(
    adapter_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    monkeypatch.setattr(cases, "export_model", lambda *_: None)
    framing = Framing(((3.0, 4.0),) * 7, spread_px=3.0, score=0.4)
    framed = replace(adapter_model, manifest=replace(adapter_model.manifest, framing=framing))
    assert framed.sha256 == adapter_model.sha256
    case, samples = Case("onnxruntime", "cpu", "fp32"), drawn_samples(128, 2)
    files = [
        prepare(case, model, (1,), samples, samples, Reporter())
        for model in (adapter_model, adapter_model, framed)
    ]
    assert files[0] == files[1]
    assert files[0] != files[2]
