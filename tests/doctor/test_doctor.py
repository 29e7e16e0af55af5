from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from lmk.cli import doctor as command
from lmk.doctor import examine as examination
from lmk.doctor import hardware, runtimes, software, video
from lmk.doctor.finding import Finding
from lmk.model.folder import list_models
from lmk.system import install
from lmk.system.errors import SourceError
from lmk.system.version import __version__
from lmk.video.sources import open as sources

RUN = f"pip install 'lmk-toolkit[run]=={__version__}'"
GOOD = Finding("camera", "delivers frames", essential=True)


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject.split(" 20")[0]: finding for finding in findings}


def hide(monkeypatch: pytest.MonkeyPatch, module, *packages: str) -> None:
    monkeypatch.setattr(module, "find_spec", lambda n: None if n in packages else find_spec(n))


def test_installed_runtimes_are_really_run() -> None:
    found = [f for f in runtimes.examine_runtimes() if f.found.startswith("runs a model")]
    subjects = " ".join(finding.subject for finding in found)
    assert "ONNX Runtime" in subjects
    assert "OpenVINO" in subjects
    if find_spec("ai_edge_litert"):
        assert "LiteRT" in subjects
    assert all(finding.state == "good" for finding in found)


def test_a_runtime_without_a_trial_is_at_least_imported(monkeypatch) -> None:
    monkeypatch.setattr(runtimes, "TRIALS", {})
    imported = []
    monkeypatch.setattr(runtimes, "import_module", imported.append)
    hide(monkeypatch, runtimes, "openvino", "tensorrt")
    found = {f.subject: (f.state, f.found) for f in runtimes.examine_runtimes()}
    assert "onnxruntime" in imported
    assert found["ONNX Runtime"] == ("good", "can be imported; no model was run")
    assert found["OpenVINO"] == ("absent", "not installed")
    assert found["any runtime"] == ("broken", "no model runs")


def test_a_runtime_that_computes_wrongly_is_broken(monkeypatch) -> None:
    monkeypatch.setattr(runtimes, "EXPECTED", runtimes.EXPECTED + 1)
    findings = runtimes.examine_runtimes()
    assert {f.found for f in findings if f.state == "broken"} == {
        "runs, but returns wrong values",
        "no model runs",
    }
    assert findings[-1].stops


def test_a_provider_that_does_not_start_is_broken_and_named(monkeypatch) -> None:
    import onnxruntime

    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    session = SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"], run=None)
    real = onnxruntime.InferenceSession

    def open_session(model, options, providers):
        return real(model, options, providers=providers) if "CPU" in providers[0] else session

    monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
    cpu, cuda = runtimes._onnxruntime()
    assert cpu.state == "good"
    assert (cuda.state, cuda.stops) == ("broken", False)
    assert "CUDAExecutionProvider did not start" in cuda.found
    assert "--device cpu" in cuda.remedy


def test_without_onnx_no_runtime_is_called_broken(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "lmk.system.onnx_package", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)  # importing it fails
    hide(monkeypatch, runtimes, "ai_edge_litert")  # which needs no onnx
    *found, last = runtimes.examine_runtimes()
    tried = [f for f in found if f.subject.startswith(("ONNX Runtime", "OpenVINO"))]
    assert {f.found.partition(":")[0] for f in tried} == {"not tested"}
    assert {(f.state, f.remedy) for f in tried} == {("absent", RUN)}
    assert last.stops


def test_no_runtime_at_all_stops_the_webcam(monkeypatch) -> None:
    hide(monkeypatch, runtimes, "onnxruntime", "openvino", "ai_edge_litert")
    findings = runtimes.examine_runtimes()
    (stop,) = (finding for finding in findings if finding.stops)
    assert stop.remedy == RUN


def test_a_board_with_tensorrt_alone_can_work(monkeypatch) -> None:
    hide(monkeypatch, runtimes, "onnxruntime", "openvino", "ai_edge_litert")
    monkeypatch.setattr(install, "jetson_model", lambda: "NVIDIA Jetson Orin Nano")
    (stop,) = (finding for finding in runtimes.examine_runtimes() if finding.stops)
    assert stop.remedy == "pip install onnxruntime 'numpy<2'"
    monkeypatch.setattr(runtimes, "load_bindings", lambda _: SimpleNamespace(__version__="10.3"))
    gpu = SimpleNamespace(name="Orin", compute_capability="87")
    monkeypatch.setattr(runtimes, "Cuda", lambda: gpu)
    assert not any(finding.stops for finding in runtimes.examine_runtimes())


def test_on_a_jetson_nothing_would_hide_what_jetpack_brings(monkeypatch) -> None:
    monkeypatch.setattr(install, "jetson_model", lambda: "NVIDIA Jetson Orin Nano")
    monkeypatch.delitem(sys.modules, "lmk.system.onnx_package", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    hide(monkeypatch, runtimes, "openvino", "ai_edge_litert")
    hide(monkeypatch, video, "cv2")
    monkeypatch.setattr(software, "PACKAGES", (("no-such-thing", "run", True, "folding"),))
    found = [*runtimes.examine_runtimes(), *video.examine_video(), *software.examine_software()]
    told = {f.subject.partition(" 1")[0]: f.remedy for f in found}
    assert told["ONNX Runtime"] == told["any runtime"] == RUN.replace("run", "jetson")
    assert told["OpenVINO"] == "pip install openvino 'numpy<2'"
    assert told["OpenCV"] == "sudo apt install libopencv-python"
    assert told["no-such-thing"] == "pip install no-such-thing 'numpy<2'"


def test_a_missing_package_names_its_extra(monkeypatch) -> None:
    packages = (("no-such-thing", "run", True, "folding"), ("nothing", "train", False, "training"))
    monkeypatch.setattr(software, "PACKAGES", packages)
    found = by_subject(software.examine_software())
    assert found["no-such-thing"].stops
    assert found["no-such-thing"].remedy == RUN
    assert not found["nothing"].stops
    shipped = ", ".join(model.manifest.name for model in list_models())
    assert "faces" in shipped
    assert found["shipped models"].found == f"{shipped}: intact"


@pytest.mark.parametrize(("free", "stops"), [(399, True), (400, False), (None, False)])
def test_memory(monkeypatch, free: int | None, stops: bool) -> None:
    monkeypatch.setattr(hardware, "free_memory_mb", lambda: free)
    assert hardware.examine_hardware()[0].stops is stops


@pytest.mark.parametrize(
    ("modes", "number"),
    [
        ("< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >", "2 "),
        ("< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=10W >", "0 "),
        (None, "ID, the number of the largest mode in "),
    ],
)
def test_a_jetson_that_is_throttled_is_told_how_to_run_at_full_speed(
    monkeypatch, tmp_path: Path, modes: str | None, number: str
) -> None:
    if modes:
        (tmp_path / "nvpmodel.conf").write_text(modes)
    monkeypatch.setattr(hardware, "POWER_MODES", tmp_path / "nvpmodel.conf")
    monkeypatch.setattr(hardware, "jetson_model", lambda: "NVIDIA Jetson Orin Nano")
    for mode, remedy in (("15W", f"sudo nvpmodel -m {number}"), ("MAXN", "")):
        monkeypatch.setattr(hardware, "nvidia_power_mode", lambda mode=mode: mode)
        jetson = hardware.examine_hardware()[-1]
        assert jetson.found == f"NVIDIA Jetson Orin Nano, power mode {mode}"
        assert jetson.remedy.startswith(remedy)
        assert bool(jetson.remedy) is bool(remedy)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="cameras are files on Linux")
def test_cameras(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(video, "DEVICES", tmp_path)
    assert video._camera().found == "none"
    assert video._camera().stops
    (tmp_path / "video0").touch()

    def refuse(text: str):
        raise SourceError("camera 0 cannot be opened: plug it in")

    monkeypatch.setattr(sources, "open_source", refuse)
    found = video._camera()
    assert (found.found, found.remedy, found.stops) == (
        "camera 0 cannot be opened",
        "plug it in",
        True,
    )


def test_windows_need_a_gui_and_a_display(monkeypatch) -> None:
    assert "headless" in video._window("  GUI:                           NONE\n").remedy
    for display, state in ((True, "good"), (False, "absent")):
        monkeypatch.setattr(video, "has_display", lambda display=display: display)
        assert video._window("  GUI:  GTK2\n").state == state


@pytest.mark.parametrize("essential", [False, True])
def test_exit_code_and_json_say_whether_the_webcam_can_work(
    monkeypatch, capsys, essential: bool
) -> None:
    import typer

    bad = Finding("window [x]", "none", "broken", "install [it]", essential)
    monkeypatch.setattr(examination, "examine", lambda: {"video": [GOOD, bad]})
    for as_json in (True, False):
        if essential:
            with pytest.raises(typer.Exit) as caught:
                command.doctor(as_json)
            assert caught.value.exit_code == 4
        else:
            command.doctor(as_json)
        said = capsys.readouterr().out
        if as_json:
            content = json.loads(said)
            assert content["webcam"] is not essential
            assert content["video"][1]["remedy"] == "install [it]"
        else:
            assert "install [it]" in said
            assert ("cannot work: window [x]" in " ".join(said.split())) is essential


def test_the_command_runs_here() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lmk", "doctor", "--json"], capture_output=True, text=True
    )
    content = json.loads(done.stdout)
    assert done.returncode == (0 if content["webcam"] else 4)
    assert {"software", "runtimes", "hardware", "video"} < content.keys()


def test_video_back_ends_are_those_that_this_opencv_can_use() -> None:
    opencv = by_subject(video.examine_video())["OpenCV"]
    built = re.search(r"GStreamer:\s+(\w+)", cv2.getBuildInformation())
    assert built is not None
    assert ("GSTREAMER" in opencv.found) == (built[1] == "YES")
    assert "FFMPEG" in opencv.found
