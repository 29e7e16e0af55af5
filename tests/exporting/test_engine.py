"""Engines really built by NVIDIA's library, ahead of time and without a GPU."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from lmk.architectures.hourglass.spec import ARCHITECTURE
from lmk.artifact.batch import BatchRange
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.artifact.provenance import read_provenance
from lmk.exporting import engine as engine_module
from lmk.exporting.check_precision import count
from lmk.exporting.engine import EngineOptions, build_engine, gpu_here, require_memory, runs_here
from lmk.exporting.engine_file import engine_options
from lmk.exporting.engine_layers import read_information, read_log, require_layers
from lmk.exporting.export import export_model
from lmk.exporting.int8 import always_kept, calibrate
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.inference.backends.select import open_backend
from lmk.inference.backends.tensorrt import check_machine
from lmk.inference.backends.tensorrt_bindings import load_bindings
from lmk.system.errors import ParityError, UnavailableError, UsageError, WeightsError
from lmk.system.progress import Reporter

RTX = all(find_spec(p) for p in ("tensorrt_rtx_bindings", "onnxruntime_ep_nv_tensorrt_rtx"))
needs_rtx = pytest.mark.skipif(not RTX, reason="needs pip install 'lmk-toolkit[tensorrt-rtx]'")
OPTIONS = EngineOptions("tensorrt-rtx", compute_capability="8.6")


@needs_rtx
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_convolutions_are_built_in_the_graphs_precision(adapter_model, precision: str) -> None:
    proto = build_onnx(adapter_model, GraphOptions(precision=precision))
    engine = build_engine(proto.SerializeToString(), OPTIONS, Reporter())
    require_layers(engine.layers, precision, 0)
    assert len(engine.layers) >= 50  # of 56; the builder may fuse a few into other kernels
    assert set(engine.layers.values()) == {precision}
    assert engine.batch == BatchRange(1, 1, 8)
    assert engine.gpu["compute_capability"] == "8.6"


@needs_rtx
def test_int8_convolutions_are_built_as_integers(adapter_model) -> None:
    crops = drawn_samples(128, 2).crops
    ranges = calibrate(build_onnx(adapter_model), ARCHITECTURE, crops, True, lambda: None)
    graph = ranges.quantize([*always_kept(ARCHITECTURE), "block2.conv1.out"]).SerializeToString()
    engine = build_engine(graph, OPTIONS, Reporter())
    assert count(engine.layers) == {"int8": 53, "fp32": 3}
    require_layers(engine.layers, "int8", 3)
    with pytest.raises(ParityError, match="expected an engine in int8: "):
        require_layers(engine.layers, "int8", 2)


@needs_rtx
def test_a_graph_in_another_precision_is_found_out(adapter_model) -> None:
    proto = build_onnx(adapter_model, GraphOptions(batch=2))
    engine = build_engine(proto.SerializeToString(), OPTIONS, Reporter())
    assert engine.batch == BatchRange(2, 2, 2)
    with pytest.raises(ParityError, match="expected an engine in fp16: stem_conv"):
        require_layers(engine.layers, "fp16", 0)


@needs_rtx
def test_an_engine_is_exported_with_what_it_was_built_for(adapter_model, tmp_path: Path) -> None:
    options = ExportOptions(
        "tensorrt-rtx", "fp16", BatchRange(1, 2, 4), compute_capability="8.9", workspace_mb=256
    )
    samples = drawn_samples(128, 4)
    exported = export_model(adapter_model, tmp_path, options, samples, None, Reporter())
    assert exported.path == tmp_path / "adapter-fp16.rtx"
    known = read_provenance(exported.path)
    assert known.gpu is not None
    assert known.gpu["compute_capability"] == "8.9"
    assert known.batch == BatchRange(1, 2, 4)
    assert known.layers["fp16"] + known.layers.get("fused", 0) == 56
    assert "--batch 1:2:4 --workspace 256 --compute-capability 8.9" in known.command
    assert known.parity is not None
    assert known.parity["max_px"] < 0.25
    graph_alone = "the engine itself needs its GPU" in known.parity["runtime"]
    assert known.parity["verified"] is not graph_alone
    assert graph_alone is not runs_here(engine_options(options))
    if not gpu_here():
        with pytest.raises(UnavailableError, match="no NVIDIA driver"):
            open_backend(str(exported.path))


@needs_rtx
def test_building_imports_no_torch(adapter_model, tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["torch"] = None  # importing it now fails
from lmk.exporting.engine import EngineOptions, build_engine
from lmk.artifact.onnx_model import build_onnx
from lmk.model.folder import find_model
from lmk.system.progress import Reporter
graph = build_onnx(find_model({str(adapter_model.folder)!r})).SerializeToString()
print(len(build_engine(graph, EngineOptions("tensorrt-rtx"), Reporter()).plan))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20_000_000  # float32 weights
    assert "building with TensorRT for RTX: 6/6" in done.stderr


@needs_rtx
def test_what_cannot_be_built_is_one_clear_error(adapter_model) -> None:
    with pytest.raises(WeightsError, match="does not accept this graph"):
        build_engine(b"no model at all", OPTIONS, Reporter())
    graph = build_onnx(adapter_model).SerializeToString()
    for unknown in ("5.0", "86"):
        options = EngineOptions("tensorrt-rtx", compute_capability=unknown)
        with pytest.raises(UsageError, match=rf"capability {unknown}: expected one of .*8\.6"):
            build_engine(graph, options, Reporter())


def test_an_engine_for_another_gpu_does_not_run_here(monkeypatch) -> None:
    monkeypatch.setattr(engine_module, "Cuda", lambda: SimpleNamespace(compute_capability="8.9"))
    asked = [EngineOptions("tensorrt-rtx", compute_capability=c) for c in (None, "8.9", "8.6")]
    assert [runs_here(options) for options in asked] == [True, True, False]


@pytest.mark.skipif(find_spec("tensorrt") is not None, reason="TensorRT is installed")
def test_tensorrt_that_is_not_installed_names_the_pip_command(adapter_model, tmp_path) -> None:
    options = ExportOptions("tensorrt", "fp16")
    with pytest.raises(UnavailableError, match=r"pip install 'lmk-toolkit\[tensorrt\]=="):
        export_model(adapter_model, tmp_path, options, drawn_samples(128, 1), None, Reporter())
    assert not list(tmp_path.iterdir())


def test_too_little_memory_is_said_before_the_build(monkeypatch) -> None:
    monkeypatch.setattr(engine_module, "free_memory_mb", lambda: 1200)
    require_memory(25_000_000, OPTIONS)
    with pytest.raises(UnavailableError, match="needs about 2112 MB, but only 1200 MB are free"):
        require_memory(25_000_000, EngineOptions("tensorrt"))


def test_layers_are_read_from_either_description() -> None:
    log = """Layers:
Name: a, LayerType: correlation, Inputs: [ { Name: x, Datatype: Half, Format: y }], Outputs: []
Name: b, LayerType: kgen, Inputs: [ { Name: x, Datatype: Float }], Outputs: []
Name: c, LayerType: correlation, Inputs: [ { Name: x, Datatype: Int8 }], Constants: []"""
    assert read_log(log) == {"a": "fp16", "c": "int8"}
    information = """{"Layers": [
{"Name": "a", "LayerType": "CaskConvolution", "Inputs": [{"Format/Datatype": "Half"}]},
{"Name": "b", "LayerType": "PointWise", "Inputs": [{"Format/Datatype": "Float"}]},
{"Name": "c", "LayerType": "Convolution",
 "Inputs": [{"Format/Datatype": "Channel major INT8 format"}]}]}"""
    assert read_information(information) == {"a": "fp16", "c": "int8"}


def test_an_engine_for_another_machine_is_refused(tmp_path: Path) -> None:
    from types import SimpleNamespace

    gpu = {"name": "Orin", "compute_capability": "8.7", "tensorrt": "10.3.0"}
    known = SimpleNamespace(gpu=gpu, format="tensorrt", command="lmk export faces")
    here = SimpleNamespace(name="Orin", compute_capability="8.7")
    check_machine(known, tmp_path, here, "10.3.0")
    with pytest.raises(WeightsError, match=r"TensorRT 10\.3\.0, this one is 11\.0.*lmk export"):
        check_machine(known, tmp_path, here, "11.0")
    other = SimpleNamespace(name="Xavier", compute_capability="7.2")
    with pytest.raises(WeightsError, match=r"capability 8\.7, Xavier has 7\.2.*lmk export faces"):
        check_machine(known, tmp_path, other, "10.3.0")


@needs_rtx
def test_the_backend_calls_what_the_bindings_offer() -> None:
    """It cannot run here, so at least every name it uses must exist."""
    trt = load_bindings("tensorrt-rtx")
    for owner, names in {
        trt.Runtime: ["deserialize_cuda_engine"],
        trt.ICudaEngine: ["create_execution_context", "create_engine_inspector"],
        trt.IExecutionContext: ["set_input_shape", "set_tensor_address", "execute_async_v3"],
        trt.IBuilderConfig: ["create_timing_cache", "set_timing_cache", "get_timing_cache"],
        trt: ["Logger", "ITimingCache", "LayerInformationFormat"],
    }.items():
        assert [name for name in names if not hasattr(owner, name)] == []
