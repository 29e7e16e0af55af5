"""Exports of the format coreml; in place of Core ML, which needs a Mac, a slow reference runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("coremltools", reason="needs pip install 'lmk-toolkit[coreml]'")

from coreml_programs import run_program
from coremltools.models import MLModel

import lmk
from lmk.artifact.batch import BatchRange
from lmk.artifact.provenance import check_unchanged, sidecar
from lmk.cli import app
from lmk.exporting import coreml_file
from lmk.exporting.export import Exported, export_model
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.inference.backends.coreml import CoreMlBackend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model, find_model
from lmk.system.errors import ParityError, UnavailableError, UsageError, WeightsError
from lmk.system.files import sha256_of
from lmk.system.progress import Reporter

NAME = "faces-tiny-fp16.mlpackage"
KERNEL = "Data/com.apple.CoreML/weights/weight.bin"


def export(folder: Path, model: Model | None = None, **options) -> Exported:
    chosen = ExportOptions("coreml", **options)
    samples = drawn_samples(128, 3)
    return export_model(
        model or find_model("faces-tiny"), folder, chosen, samples, None, Reporter()
    )


def system(monkeypatch: pytest.MonkeyPatch, name: str, version: str = "", chip: str = "") -> None:
    monkeypatch.setattr(coreml_file, "sys", SimpleNamespace(platform=name))
    monkeypatch.setattr(coreml_file.platform, "mac_ver", lambda: (version, ("",) * 3, chip))
    monkeypatch.setattr(coreml_file.platform, "machine", lambda: chip)


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    system(monkeypatch, "linux", chip="x86_64")


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A Mac, as far as lmk can tell; returns what Core ML was given."""
    system(monkeypatch, "darwin", "14.5", "arm64")
    given = []

    def predict(model: MLModel, inputs: dict) -> dict[str, np.ndarray]:
        ((name, picture),) = inputs.items()
        given.append(f"{name} {picture.mode} {picture.size}")
        return run_program(Path(model.package_path), np.asarray(picture)[None])

    monkeypatch.setattr(MLModel, "predict", predict)
    return given


def test_elsewhere_than_on_a_mac_the_package_is_written_but_not_verified(
    linux: None, tmp_path: Path
) -> None:
    exported = lmk.export("faces-tiny", tmp_path, "coreml", reference="onnx")
    assert exported.path == tmp_path / NAME
    assert exported.needs == "a Mac (Core ML runs on Apple hardware only)"
    known = check_unchanged(exported.path)
    assert known.parity is not None
    assert known.parity["verified"] is False
    assert "the graph of the package, because the package itself needs" in known.parity["runtime"]
    assert (known.format, known.precision, known.layers) == ("coreml", "fp16", {"fp16": 17})
    assert (known.batch, known.files) == (BatchRange(1, 1, 1), {NAME: sha256_of(exported.path)})
    assert known.command == (
        "lmk export faces-tiny -o DIR -f coreml --precision fp16 --reference onnx"
    )
    assert {path.name for path in tmp_path.iterdir()} == {NAME, f"{NAME}.json"}


def test_the_command_says_so(linux: None, tmp_path: Path) -> None:
    words = ["export", "faces-tiny", "-o", str(tmp_path), "-f", "coreml", "--reference", "onnx"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    *_, last = done.stdout.splitlines()
    assert last.startswith("not verified here: the package itself needs a Mac (Core ML runs on")
    assert "  0.5 MB, fp16 (convolutions: 17 fp16)" in done.stdout
    done = CliRunner().invoke(app, [*words[:-2], "--no-verify"])
    assert done.stdout.splitlines()[-1] == "not verified"


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_on_a_mac_core_ml_runs_the_package(
    mac: list[str], student_model: Model, tmp_path: Path, precision: str
) -> None:
    exported = export(tmp_path, student_model, precision=precision)
    assert mac == 3 * ["images RGB (128, 128)"]
    assert exported.parity is not None
    assert exported.parity.verified
    words = {"fp32": "float32", "fp16": "float16"}[precision]
    assert exported.parity.runtime == f"Core ML on 14.5, arm64, {words}"
    assert 0 < exported.parity.max_px < {"fp32": 0.005, "fp16": 0.25}[precision]
    assert exported.needs == ""


def test_a_package_that_differs_is_refused_and_the_earlier_one_stays(
    mac: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = export(tmp_path, precision="fp32")
    sha256, good = sha256_of(earlier.path), MLModel.predict

    def spoilt(model: MLModel, inputs: dict) -> dict[str, np.ndarray]:
        found = good(model, inputs)
        return found | {"landmarks": found["landmarks"] + np.float32([0, 0.1])}

    monkeypatch.setattr(MLModel, "predict", spoilt)
    with pytest.raises(ParityError, match=r"max 0\.1\d\d px \(limit 0\.05\)"):
        export(tmp_path, precision="fp32")
    assert sha256_of(earlier.path) == sha256
    check_unchanged(earlier.path)


def test_a_package_that_core_ml_does_not_load_is_an_error(
    mac: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(tmp_path, reference=None).path

    def broken(model: MLModel, inputs: dict) -> dict[str, np.ndarray]:
        raise RuntimeError("Error compiling model")

    monkeypatch.setattr(MLModel, "predict", broken)
    with pytest.raises(WeightsError, match=r"not a valid Core ML file \(Error compiling model\)"):
        CoreMlBackend(path).infer(drawn_samples(128, 2).crops)


def test_an_older_macos_does_not_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    system(monkeypatch, "darwin", "12.7.6")
    assert coreml_file.WRITER.needs(ExportOptions("coreml")) == "macOS 13 (this is 12.7.6)"


def test_a_package_replaces_an_earlier_one_completely(linux: None, tmp_path: Path) -> None:
    (tmp_path / NAME / "Data").mkdir(parents=True)
    (tmp_path / NAME / "Data" / "old").touch()
    exported = export(tmp_path, precision="fp16")
    files = {str(one.relative_to(exported.path)) for one in exported.path.rglob("*.*")}
    inside = {"Data/com.apple.CoreML", "Data/com.apple.CoreML/model.mlmodel"}
    assert files == {"Manifest.json", KERNEL, *inside}
    assert json.loads(sidecar(exported.path).read_text())["precision"] == "fp16"


def test_a_changed_package_is_noticed(linux: None, tmp_path: Path) -> None:
    path = export(tmp_path, reference=None).path
    content = bytearray((path / KERNEL).read_bytes())
    content[len(content) // 2] ^= 1
    (path / KERNEL).write_bytes(content)
    with pytest.raises(WeightsError, match=r"was changed after .*run  lmk export .*-f coreml"):
        check_unchanged(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": BatchRange(4, 4, 4)}, "take one picture at a time: omit --batch 4"),
        ({"precision": "int8"}, "coreml files are written in fp16, fp32, not int8"),
    ],
)
def test_what_a_package_cannot_be(tmp_path: Path, options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        export(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_lmk_does_not_run_a_package_and_says_what_to_give(linux: None, tmp_path: Path) -> None:
    path = export(tmp_path, reference=None).path
    with pytest.raises(UsageError, match="is for Core ML, which lmk does not run: give the model"):
        open_backend(str(path))


def test_without_coremltools_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreml_file, "find_spec", lambda _: None)
    system(monkeypatch, "linux", chip="x86_64")
    with pytest.raises(UnavailableError, match=r"run  pip install 'lmk-toolkit\[coreml\]"):
        export(tmp_path)
    system(monkeypatch, "linux", chip="aarch64")
    with pytest.raises(UnavailableError, match="for macOS, and for Linux on x86-64: export on"):
        export(tmp_path)
    assert not list(tmp_path.iterdir())
