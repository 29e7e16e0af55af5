from __future__ import annotations

import json
import os
import re
import shlex
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import lmk
from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import FORMATS, PRECISIONS, RUNTIMES
from lmk.artifact.onnx_model import build_onnx, save_onnx
from lmk.artifact.provenance import check_unchanged, sidecar
from lmk.data.photograph import FACE_SIDE, FACE_XY, photograph
from lmk.evaluation.landmarks import open_model
from lmk.exporting import graph as graph_module
from lmk.exporting.export import Exported, export_model
from lmk.exporting.export import export as one_call
from lmk.exporting.onnx_file import WRITER as ONNX
from lmk.exporting.options import ExportOptions, rebuild_command
from lmk.exporting.publish import hashes, provenance_of, scratch
from lmk.exporting.samples import Samples, drawn_samples
from lmk.exporting.writer import Writer, Written
from lmk.inference.backends import select
from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend
from lmk.inference.backends.select import open_backend
from lmk.inference.crops import cut_crops
from lmk.model.folder import find_model
from lmk.system import files
from lmk.system.errors import OutputError, ParityError, UsageError, WeightsError
from lmk.system.files import sha256_of
from lmk.system.progress import Reporter
from lmk.video.open_models import model_names

HALVES = ("fp32", "fp16")
WRITTEN = ", ".join(FORMATS["onnx"].precisions)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return drawn_samples(128, 6)


def export(model, folder, samples: Samples, calibration=None, **options) -> Exported:
    return export_model(model, folder, ExportOptions(**options), samples, calibration, Reporter())


@pytest.mark.parametrize(
    ("format", "precision"),
    [
        (format, precision)
        for format in ("onnx", "openvino", "litert", "ncnn")
        for precision in HALVES
    ],
)
def test_a_verified_file_and_its_provenance(
    adapter_model, tmp_path, samples: Samples, format: str, precision: str
) -> None:
    exported = export(adapter_model, tmp_path, samples, format=format, precision=precision)
    limit = PRECISIONS[precision].limits.max_px
    assert exported.parity is not None
    assert 0 < exported.parity.max_px < limit
    in_graph = format == "onnx" and precision == "fp16"
    assert bool(exported.parity.worst_layers) is in_graph
    written = json.loads(sidecar(exported.path).read_text())
    assert written["precision"] == precision
    assert written["parity"]["images"] == 6
    assert written["weights_sha256"] == adapter_model.manifest.weights_sha256
    assert written["core_sha256"] == adapter_model.core().manifest.weights_sha256
    assert f"-f {format} --precision {precision}" in written["command"]
    assert sum(written["layers"].values()) == 56
    row = FORMATS[format]
    suffixes = {row.suffix, row.beside} - {""}
    stem = exported.path.name.removesuffix(row.suffix)
    assert written["files"].keys() == {f"{stem}{suffix}" for suffix in suffixes}
    for name, digest in written["files"].items():
        assert sha256_of(tmp_path / name) == digest
    assert len(list(tmp_path.iterdir())) == len(suffixes) + 1


def test_the_documented_example_exports_and_verifies(
    adapter_model, tmp_path, monkeypatch, capsys
) -> None:
    example = re.search(r"\n\n((?: {8}.*\n|\n)+)", one_call.__doc__ or "")
    assert example is not None
    code = textwrap.dedent(example[1]).replace("runs/mugs", str(adapter_model.folder))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    printed = capsys.readouterr().out.split()
    assert printed[0] == "models-for-the-device/adapter-fp16.onnx"
    assert 0 < float(printed[1]) < 0.25
    known = check_unchanged(tmp_path / printed[0])
    assert known.parity is not None
    assert known.parity["source"] == "drawn foxes"
    assert known.architecture == "hourglass"


def test_one_call_refuses_what_does_not_exist_before_any_work(adapter_model, tmp_path) -> None:
    for options, words in (
        ({"format": "tflite"}, "unknown format 'tflite': expected one of onnx, openvino"),
        ({"precision": "fp8"}, f"written in {WRITTEN}, not fp8"),
        ({"batch": 0}, "expected --batch dynamic"),
        ({"precision": "int8"}, "--calibration-data FOLDER"),
    ):
        with pytest.raises(UsageError, match=words):
            one_call(adapter_model.folder, tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_a_sidecar_of_an_older_lmk_still_loads(adapter_model, tmp_path, samples: Samples) -> None:
    path = export(adapter_model, tmp_path, samples, reference=None).path
    written = json.loads(sidecar(path).read_text())
    assert (written.pop("architecture"), written.pop("input_size")) == ("hourglass", 128)
    sidecar(path).write_text(json.dumps(written))
    known = check_unchanged(path)
    assert (known.architecture, known.input_size) == ("hourglass", 128)


def test_half_files_are_half_as_large(adapter_model, tmp_path, samples: Samples) -> None:
    sizes = [
        export(adapter_model, tmp_path, samples, precision=p, reference=None).path.stat().st_size
        for p in ("fp32", "fp16")
    ]
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.01)


def faces() -> Samples:
    """Six crops of one face, framed as in training but for a few pixels."""
    shifts = [(-6, 0), (0, -4), (0, 0), (3, 5), (5, -3), (8, 2)]
    side, (x, y) = FACE_SIDE, np.array(FACE_XY) - FACE_SIDE / 2
    boxes = [(x + right, y + down, side + right, side + right) for right, down in shifts]
    return Samples(cut_crops(photograph(), boxes, 128)[0], [str(s) for s in shifts], "a photograph")


def test_int8_is_verified_and_runs_as_integers(tmp_path) -> None:
    """The shipped faces on a face, where their landmarks are not random, with few crops."""
    exported = export(
        find_model("faces"), tmp_path, faces(), faces(), format="openvino", precision="int8"
    )
    assert exported.parity is not None
    assert 0.01 < exported.parity.mean_px < 0.5
    assert {"stem_conv", "head"} <= set(exported.provenance.kept_in_float)
    assert exported.provenance.layers["int8"] == 56 - len(exported.provenance.kept_in_float)
    assert open_backend(str(exported.path)).description.endswith("int8")


def test_a_file_that_differs_is_refused_and_not_kept(
    adapter_model, tmp_path, samples: Samples, monkeypatch
) -> None:
    """A tenth of a heatmap pixel, 0.4 px of the input, is added to every x."""

    def spoilt(*arguments) -> onnx.ModelProto:
        proto = build_onnx(*arguments)
        for tensor in proto.graph.initializer:
            if tensor.name == "grid_x":
                shifted = onnx.numpy_helper.to_array(tensor) + 0.1
                tensor.CopyFrom(onnx.numpy_helper.from_array(shifted, "grid_x"))
        return proto

    monkeypatch.setattr(graph_module, "build_onnx", spoilt)
    with pytest.raises(ParityError, match=r"max 0\.4\d\d px \(limit 0\.05\)") as caught:
        export(adapter_model, tmp_path / "out", samples)
    assert caught.value.exit_code == 3
    assert "of drawn fox" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"precision": "bf16"},
            f"onnx files are written in {', '.join(FORMATS['onnx'].precisions)}, not bf16",
        ),
        ({"precision": "int8"}, "--calibration-data FOLDER"),
        ({"batch": BatchRange(1, 2, 3)}, "--batch 1:2:3 is for engines"),
        ({"format": "openvino", "batch": BatchRange(4, 4, 8)}, "--batch 4:4:8 is for engines"),
        ({"format": "tensorrt-rtx", "heatmaps": True}, "engines and pages return only landmarks"),
        ({"format": "ncnn", "batch": BatchRange(4, 4, 4)}, "one picture at a time.*omit --batch 4"),
        ({"format": "ncnn", "precision": "int8"}, "ncnn files are written in fp32, fp16, not int8"),
    ],
)
def test_combinations_that_cannot_be_written_are_wrong_usage(
    adapter_model, tmp_path, samples: Samples, options: dict, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        export(adapter_model, tmp_path / "out", samples, **options)
    assert not list(tmp_path.iterdir())


def test_the_command_that_makes_a_file_again_names_every_choice(adapter_model) -> None:
    chosen = ExportOptions(
        "tensorrt-rtx", "fp16", BatchRange(1, 2, 8), workspace_mb=64, compute_capability="8.6"
    )
    words = shlex.split(rebuild_command(adapter_model, chosen))
    assert words[:3] == ["lmk", "export", adapter_model.reference]
    assert " ".join(words[5:]) == (
        "-f tensorrt-rtx --precision fp16 --batch 1:2:8 --workspace 64 --compute-capability 8.6"
    )
    plain = ExportOptions(opset=19, heatmaps=True, fold_projections=False)
    for reference, option in ((None, "--no-verify"), ("onnx", "--reference onnx")):
        engine = ExportOptions("tensorrt", "fp16", reference=reference)
        words = shlex.split(rebuild_command(adapter_model, engine))
        assert " ".join(words[5:]) == f"-f tensorrt --precision fp16 {option}"
    moved = replace(adapter_model, folder=Path("my runs/a"))
    words = shlex.split(rebuild_command(moved, plain))
    assert words[2].endswith("/my runs/a")
    assert " ".join(words[5:]) == (
        "-f onnx --precision fp32 --opset 19 --heatmaps --no-fold-projections"
    )


def test_export_into_a_file_is_an_output_error(adapter_model, tmp_path, samples: Samples) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot write .*file/out: .*file is not a folder"):
        export(adapter_model, tmp_path / "file" / "out", samples, reference=None)


def test_a_folder_that_may_not_be_written_is_said_before_any_work(
    adapter_model, tmp_path, samples: Samples, monkeypatch
) -> None:
    monkeypatch.setattr(files.os, "access", lambda place, _: place != tmp_path)
    with pytest.raises(OutputError, match="is not writable"):
        export(adapter_model, tmp_path / "a" / "b", samples)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("format", "runtime"),
    [("onnx", "onnxruntime"), ("openvino", "openvino"), ("litert", "litert")],
)
def test_a_fixed_batch_takes_any_number_of_pictures(
    adapter_model, tmp_path, samples: Samples, format: str, runtime: str
) -> None:
    anyhow = export(adapter_model, tmp_path / "any", samples, reference=None)
    expected = open_backend(str(anyhow.path), "onnxruntime").infer(samples.crops)
    batch = BatchRange(4, 4, 4)
    fixed = export(adapter_model, tmp_path, samples, reference=None, format=format, batch=batch)
    assert "--batch 4" in fixed.provenance.command
    found = open_backend(str(fixed.path), runtime).infer(samples.crops)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_files_of_all_formats_in_one_folder_replace_none(
    adapter_model, tmp_path, samples: Samples
) -> None:
    made = [
        export(adapter_model, tmp_path, samples, reference=None, format=format).path
        for format in ("onnx", "openvino", "ncnn")
    ]
    for path in made:
        check_unchanged(path)
    assert len(list(tmp_path.iterdir())) == 1 + 2 + 2 + 3


@pytest.mark.parametrize("part", ["adapter.onnx", "adapter.bin", "adapter.ncnn.bin"])
def test_a_changed_file_is_refused_with_the_command_that_rebuilds_it(
    adapter_model, tmp_path, samples: Samples, part: str
) -> None:
    formats = {"adapter.onnx": "onnx", "adapter.bin": "openvino", "adapter.ncnn.bin": "ncnn"}
    format = formats[part]
    exported = export(adapter_model, tmp_path, samples, reference=None, format=format)
    changed = bytearray((tmp_path / part).read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / part).write_bytes(changed)
    with pytest.raises(WeightsError, match=rf"{part} was changed.*run  lmk export .*-f {format}"):
        open_backend(str(exported.path))
    (tmp_path / part).unlink()
    with pytest.raises(WeightsError, match=f"{part} is missing|does not exist"):
        open_backend(str(exported.path))


@pytest.mark.parametrize(
    "text", ["", "[]", '{"batch": {}}', '{"batch": {"min": 1}, "file": 3}', 5000 * "["]
)
def test_a_broken_provenance_is_one_clear_error(tmp_path, text: str) -> None:
    (tmp_path / "a.onnx.json").write_text(text)
    with pytest.raises(WeightsError, match="lmk export") as caught:
        check_unchanged(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"files": {"../other.onnx": "0" * 64}}, "expected a file's name"),
        ({"files": {}}, "the provenance of no file, not of a.onnx"),
        ({"files": {"b.onnx": "0" * 64}}, "the provenance of b.onnx, not of a.onnx"),
        ({"files": {"a.onnx": "0"}}, "expected a SHA-256"),
        ({"files": {"a.onnx": "0" * 64, "secret.txt": "0" * 64}}, "not of a.onnx"),
        ({"command": "lmk " + 5000 * "a"}, "command is"),
        ({"command": "lmk export a; rm -rf ~"}, "command is"),
        ({"command": "curl example.com"}, "command is"),
        ({"command": "lmk 'export"}, "quotation"),
        ({"format": "elf"}, "format is 'elf'"),
        ({"precision": "fp4"}, "precision is 'fp4'"),
        ({"batch": {"min": 4, "opt": 2, "max": 1}}, "min <= opt <= max"),
        ({"batch": {"min": 1, "opt": 1, "max": 10**12}}, "batch.max"),
        ({"num_landmarks": 10**9}, "num_landmarks"),
        ({"input_size": -1}, "input_size"),
    ],
)
def test_every_field_of_a_provenance_is_checked(small_core, tmp_path: Path, values, words) -> None:
    proto = build_onnx(small_core)
    save_onnx(proto, tmp_path / "a.onnx")
    known = {"format": "onnx", "precision": "fp32", "batch": BatchRange(), "layers": {"fp32": 1}}
    files = hashes(tmp_path / "a.onnx")
    provenance_of(small_core, proto, **known, command="lmk export a -o DIR", files=files).write(
        tmp_path / "a.onnx"
    )
    assert check_unchanged(tmp_path / "a.onnx").files == files
    path = tmp_path / "a.onnx.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(WeightsError, match=words):
        check_unchanged(tmp_path / "a.onnx")


def test_a_format_whose_file_is_a_folder_is_one_row_a_writer_and_a_runtime(
    tmp_path, monkeypatch
) -> None:
    """As Core ML's .mlpackage: written, hashed, replaced, verified and evaluated."""
    row = replace(FORMATS["onnx"], suffix=".package", writer=f"{__name__}:PACKAGES")
    runtime = replace(RUNTIMES["onnxruntime"], backend=f"{__name__}:open_package")
    monkeypatch.setitem(FORMATS, "package", replace(row, name="package", runtimes=("package",)))
    monkeypatch.setitem(RUNTIMES, "package", replace(runtime, name="package"))
    monkeypatch.setattr(select, "NAMES", ("auto", *RUNTIMES))
    (tmp_path / "faces.package").mkdir()
    (tmp_path / "faces.package" / "old").touch()
    exported = lmk.export("faces", tmp_path, format="package", reference="onnx")
    assert exported.parity.max_px < 0.05
    assert [path.name for path in exported.path.iterdir()] == ["weights"]
    assert exported.provenance.files == {"faces.package": sha256_of(exported.path)}
    model = str(exported.path)
    assert len(open_model(model, "package", "cpu").sha256) == 64
    assert list(model_names([model])) == ["faces"]
    (exported.path / "weights" / "graph.onnx").write_bytes(b"changed")
    with pytest.raises(WeightsError, match="was changed after its export"):
        check_unchanged(exported.path)


def write_package(proto, path, options, report) -> Written:
    (path / "weights").mkdir(parents=True)
    return ONNX.write(proto, path / "weights" / "graph.onnx", options, report)


PACKAGES = Writer(write_package)


def open_package(model: str, device: str, threads: int | None):
    return OnnxRuntimeBackend(str(Path(model) / "weights" / "graph.onnx"), device, threads)


def test_what_a_killed_export_left_is_removed_and_nothing_else(
    adapter_model, tmp_path: Path, samples: Samples
) -> None:
    name = f"{adapter_model.manifest.name}.onnx"
    left = tmp_path / f".{name}.partial"
    left.mkdir()
    (left / name).write_bytes(b"half")
    (tmp_path / f".{name}.lock").write_text("99999999")
    others = [tmp_path / ".other.onnx.partial", tmp_path / "lmk-of-another-program"]
    for other in others:
        other.touch()
    exported = export(adapter_model, tmp_path, samples, reference=None)
    assert set(tmp_path.iterdir()) == {exported.path, sidecar(exported.path), *others}


def test_two_exports_of_one_file_do_not_meet(adapter_model, tmp_path: Path, samples) -> None:
    name = f"{adapter_model.manifest.name}.onnx"
    with scratch(tmp_path, name) as first:
        with pytest.raises(OutputError, match=f"{name} is in use by process {os.getpid()}"):
            export(adapter_model, tmp_path, samples, reference=None)
        assert first.is_dir()
        export(adapter_model, tmp_path, samples, reference=None, precision="fp16")
    assert not (tmp_path / name).exists()


def test_an_export_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="midway"), scratch(tmp_path / "new", "a.onnx"):
        raise ValueError("midway")
    assert not list(tmp_path.iterdir())
