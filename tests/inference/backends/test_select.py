from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lmk
from lmk.inference.backends import select
from lmk.inference.backends.select import open_backend
from lmk.system.errors import UnavailableError, UsageError, WeightsError


def hide(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Make packages look as if they were not installed."""
    found = importlib.util.find_spec
    monkeypatch.setattr(select, "find_spec", lambda name: None if name in packages else found(name))
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


def test_auto_prefers_openvino_on_the_cpu(detector: Path) -> None:
    backend = open_backend(str(detector))
    assert backend.name == "openvino"
    assert backend.description.startswith("OpenVINO 20")
    assert backend.description.endswith("on cpu, float32")


def test_auto_takes_onnxruntime_when_openvino_is_not_installed(
    detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "openvino")
    assert open_backend(str(detector)).name == "onnxruntime"


def test_auto_names_the_pip_command_when_neither_is_installed(
    detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "openvino", "onnxruntime")
    with pytest.raises(UnavailableError, match=r"pip install 'lmk-toolkit\[run\]=="):
        open_backend(str(detector))


@pytest.mark.parametrize(
    ("runtime", "command"),
    [
        ("onnxruntime", "'lmk-toolkit[run]=="),
        ("openvino", "openvino"),
        ("torch", "'lmk-toolkit[train]=="),
        ("ncnn", "'lmk-toolkit[ncnn]=="),
    ],
)
def test_a_runtime_that_is_not_installed_names_the_pip_command(
    monkeypatch: pytest.MonkeyPatch, detector: Path, runtime: str, command: str
) -> None:
    hide(monkeypatch, runtime)
    model = "some-name" if runtime in ("torch", "ncnn") else str(detector)
    said = rf"{runtime} is not .* pip install {re.escape(command)}"
    with pytest.raises(UnavailableError, match=said):
        open_backend(model, runtime)


@pytest.mark.parametrize(("runtime", "device"), [("tflite", None), ("auto", "tpu")])
def test_an_unknown_runtime_or_device_is_wrong_usage(
    detector: Path, runtime: str, device: str | None
) -> None:
    with pytest.raises(UsageError, match="expected one of"):
        open_backend(str(detector), runtime, device)


@pytest.mark.parametrize("runtime", ["openvino", "ncnn"])
def test_a_runtime_of_the_cpu_refuses_cuda(runtime: str) -> None:
    with pytest.raises(UnavailableError, match="--runtime onnxruntime for cuda"):
        open_backend("faces-tiny", runtime, "cuda")


def test_auto_never_takes_ncnn_for_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "openvino", "onnxruntime")
    with pytest.raises(UnavailableError, match="openvino or onnxruntime is not installed"):
        open_backend("faces-tiny")


@pytest.mark.parametrize("runtime", ["auto", "onnxruntime"])
def test_cuda_without_its_provider_is_unavailable(
    detector: Path, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UnavailableError, match=r"no CUDAExecutionProvider.*lmk-toolkit\[gpu\]"):
        open_backend(str(detector), runtime, "cuda")


def test_cuda_that_the_session_silently_left_out_is_unavailable(
    detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    asked = []

    def session(path: str, options: object, providers: list) -> SimpleNamespace:
        asked.extend(providers)
        return SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    with pytest.raises(UnavailableError, match="could not start CUDAExecutionProvider"):
        open_backend(str(detector), "onnxruntime", "cuda")
    assert asked == [("CUDAExecutionProvider", {"use_tf32": "0"})]


def test_torch_without_a_gpu_refuses_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnavailableError, match="no cuda device"):
        open_backend("some-name", "torch", "cuda")


@pytest.mark.parametrize(
    ("name", "runtime", "device", "words"),
    [
        ("a.plan", "auto", "cpu", "engines run on an NVIDIA GPU"),
        ("faces", "tensorrt", "cpu", "engines run on an NVIDIA GPU"),
        ("a.rtx", "tensorrt", None, "choose --runtime tensorrt-rtx"),
        ("a.plan", "openvino", None, "choose --runtime tensorrt"),
        ("a.xml", "onnxruntime", None, "choose --runtime openvino"),
        ("a.ncnn.param", "openvino", None, "choose --runtime ncnn"),
        ("a.onnx", "ncnn", None, "choose --runtime onnxruntime or openvino"),
    ],
)
def test_a_file_that_the_runtime_or_device_does_not_fit_is_wrong_usage(
    name: str, runtime: str, device: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        open_backend(name, runtime, device)


def test_tensorrt_wants_an_engine_and_says_how_to_build_one() -> None:
    with pytest.raises(WeightsError, match=r"got faces: build an engine .* -f tensorrt$"):
        open_backend("faces", "tensorrt")


def test_torch_refuses_an_onnx_file(detector: Path) -> None:
    with pytest.raises(UsageError, match="name or folder"):
        open_backend(str(detector), "torch")


def test_what_is_wrong_in_an_xml_file_is_one_error(tmp_path: Path) -> None:
    """Metadata of another type, and ports without names."""
    lmk.export("faces-tiny", tmp_path, format="openvino", reference="onnx")
    whole = (tmp_path / "faces-tiny.xml").read_text()
    (tmp_path / "faces-tiny.xml.json").unlink()
    changes = [
        (r'<num_landmarks value="10" ?/>', '<num_landmarks><a value="1"/></num_landmarks>'),
        (r"<framework>.*</framework>", '<framework value="x"/>'),
        (r' names="[a-z]+"', ""),
    ]
    for pattern, new in changes:
        changed = re.sub(pattern, new, whole, flags=re.DOTALL)
        assert changed != whole, pattern
        (tmp_path / "faces-tiny.xml").write_text(changed)
        with pytest.raises(WeightsError, match=r"faces-tiny\.xml"):
            open_backend(str(tmp_path / "faces-tiny.xml"), "openvino")


def test_openvino_computes_in_float32(detector: Path) -> None:
    # Left to itself it takes bf16 on processors that have it; the request must have been heard.
    backend = open_backend(str(detector), "openvino")
    precision = backend._compiled.get_property("INFERENCE_PRECISION_HINT")
    assert precision.get_type_name() == "f32"


def test_all_runtimes_find_the_same_landmarks(
    adapter_model: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setenv("LMK_CACHE", str(tmp_path))
    cells = np.random.default_rng(3).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    images = cells.repeat(16, 1).repeat(16, 2)
    folder = str(adapter_model.folder)
    xy, scores, _ = open_backend(folder, "torch").infer(images)
    assert xy.shape == (3, 7, 2)
    assert np.ptp(xy, axis=0).max() > 1  # the pictures differ, so a mix-up of rows would show
    for runtime in ("onnxruntime", "openvino", "ncnn"):
        other_xy, other_scores, _ = open_backend(folder, runtime).infer(images)
        np.testing.assert_allclose(other_xy, xy, atol=0.01)  # input pixels
        np.testing.assert_allclose(other_scores, scores, atol=1e-3)
