"""What runs where a signature is required, and what does not."""

from __future__ import annotations

import gc
import json
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from random_models import make_student, save_model

import lmk
from lmk.artifact.batch import BatchRange
from lmk.artifact.cached import cached_onnx
from lmk.artifact.onnx_model import build_onnx, save_onnx
from lmk.artifact.provenance import sidecar, sign_exported
from lmk.exporting.publish import hashes, provenance_of
from lmk.inference.backends.saved_choice import (
    Choice,
    machine_identity,
    runtime_versions,
    save_choice,
)
from lmk.inference.backends.select import open_backend
from lmk.model.bundle import pack, sign_bundle
from lmk.model.folder import Model, find_model
from lmk.networks.projection import adapter_state, project
from lmk.networks.state import arrays_of, load_state, state_of
from lmk.system.cache import DIGITS
from lmk.system.errors import UnavailableError, UsageError, WeightsError
from lmk.system.files import sha256_of
from lmk.system.signing import PublicKey, read_private_key, read_public_key
from lmk.video.open_models import open_models
from lmk.video.options import TrackOptions

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def run(small_core, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The folder of an adapter of the smallest core."""
    network = make_student("tiny", 14)
    load_state(network, small_core.arrays())
    arrays = arrays_of(adapter_state(project(network, 7)))
    folder = tmp_path_factory.mktemp("run") / "mugs"
    name = network.architecture.name
    return save_model(folder, "mugs", arrays, 7, small_core, architecture=name)


@pytest.fixture(autouse=True)
def place(small_core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache and the temporary files of each test; the core is in the working folder."""
    monkeypatch.chdir(small_core.folder.parent)
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path


@pytest.fixture
def adapter(run: Model, small_core, keys: Path, place: Path) -> Path:
    path = place / "mugs.adapter"
    pack(run.manifest, run.arrays(), small_core.manifest, path)
    sign_bundle(path, read_private_key(keys / "me.key"))
    return path


def write_exported(path: Path, model: Model) -> Path:
    proto = build_onnx(model)
    save_onnx(proto, path)
    known = {"format": "onnx", "precision": "fp32", "batch": BatchRange(), "layers": {"fp32": 1}}
    files = hashes(path)
    provenance_of(model, proto, **known, command="lmk export a -o DIR", files=files).write(path)
    return path


@pytest.fixture
def exported(run: Model, keys: Path, place: Path) -> Path:
    path = write_exported(place / "mugs.onnx", run)
    sign_exported(path, read_private_key(keys / "me.key"))
    return path


def landmarks(model: object, runtime: str, **options: object) -> np.ndarray:
    return open_backend(str(model), runtime, "cpu", **options).infer(IMAGES)[0]


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino", "litert", "ncnn", "torch"])
def test_a_signed_adapter_runs_as_without_a_required_signature(
    adapter: Path, key: PublicKey, place: Path, runtime: str
) -> None:
    backend = open_backend(str(adapter), runtime, "cpu", signed_by=key)
    assert backend.description.endswith(", signature verified")
    assert not (place / "cache").exists()
    np.testing.assert_array_equal(backend.infer(IMAGES)[0], landmarks(adapter, runtime))


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_signed_export_runs_from_a_copy_that_lives_as_long_as_its_backend(
    exported: Path, key: PublicKey, place: Path, runtime: str
) -> None:
    expected = landmarks(exported, runtime)
    backend = open_backend(str(exported), runtime, "cpu", signed_by=key)
    exported.write_bytes(b"replaced")
    np.testing.assert_array_equal(backend.infer(IMAGES)[0], expected)
    assert sum(backend.layers().values()) > 10
    (private,) = (place / "temporary").glob("lmk-*")
    assert private.stat().st_mode & 0o077 == 0
    del backend
    gc.collect()
    assert list((place / "temporary").glob("lmk-*")) == []


def unsigned_adapter(run: Model, small_core: Model, path: Path) -> Path:
    pack(run.manifest, run.arrays(), small_core.manifest, path / "new.adapter")
    return path / "new.adapter"


def unsigned_export(run: Model, small_core: Model, path: Path) -> Path:
    return write_exported(path / "new.onnx", run)


def export_alone(run: Model, small_core: Model, path: Path) -> Path:
    sidecar(write_exported(path / "new.onnx", run)).unlink()
    return path / "new.onnx"


def run_folder(run: Model, small_core: Model, path: Path) -> Path:
    return run.folder


def core_folder(run: Model, small_core: Model, path: Path) -> Path:
    return small_core.folder


def shipped(run: Model, small_core: Model, path: Path) -> Path:
    return Path("core-pose")


@pytest.mark.parametrize(
    "make",
    [unsigned_adapter, unsigned_export, export_alone, run_folder, core_folder, shipped],
)
@pytest.mark.parametrize("runtime", ["auto", "onnxruntime", "openvino", "torch"])
def test_nothing_without_a_signature_runs(
    run: Model, small_core: Model, keys: Path, place: Path, make: Callable[..., Path], runtime: str
) -> None:
    model = make(run, small_core, place)
    if runtime == "torch" and model.suffix == ".onnx":
        runtime = "auto"  # torch reads no exported files
    key = read_public_key(keys / "me.pub")
    with pytest.raises(WeightsError, match=r"sign|provenance") as caught:
        open_backend(str(model), runtime, signed_by=key)
    assert str(model) in str(caught.value)
    for public in (keys / "me.pub", str(keys / "me.pub")):
        with pytest.raises(WeightsError, match=r"sign|provenance"):
            lmk.Landmarker(model, runtime, require_signature=public)
        with pytest.raises(WeightsError, match=r"sign|provenance"):
            open_models([model], TrackOptions(runtime=runtime, require_signature=public), True)
    assert not (place / "cache").exists()


def test_another_key_a_missing_key_and_no_cryptography_run_nothing(
    adapter: Path, exported: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in (adapter, exported):
        with pytest.raises(WeightsError, match=r"is signed by lmk-.*, expected lmk-"):
            lmk.Landmarker(model, require_signature=keys / "other.pub")
        for wrong in ("", keys, keys / "absent.pub", keys / "me.key"):
            with pytest.raises(UsageError, match="public key"):
                lmk.Landmarker(model, require_signature=wrong)
            with pytest.raises(UsageError, match="public key"):
                open_models([model], TrackOptions(require_signature=wrong), True)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    for model in (adapter, exported):
        with pytest.raises(UnavailableError, match=r"lmk-toolkit\[sign\]"):
            lmk.Landmarker(model, require_signature=keys / "me.pub")


def test_one_unsigned_model_among_several_is_refused(
    adapter: Path, run: Model, small_core: Model, place: Path, keys: Path
) -> None:
    options = TrackOptions(require_signature=keys / "me.pub")
    with pytest.raises(WeightsError, match=r"new\.adapter is not signed"):
        open_models([adapter, unsigned_adapter(run, small_core, place)], options, True)


def test_a_forged_entry_of_the_cache_is_not_run(
    adapter: Path, key: PublicKey, small_core: Model, student_model: Model
) -> None:
    expected = landmarks(adapter, "onnxruntime", signed_by=key)
    entry = cached_onnx(str(adapter))
    forged = Path(shutil.copy(cached_onnx(str(student_model.folder)), entry.parent / "forged"))
    entry.unlink()
    forged.rename(entry.with_name(f"{entry.stem[:DIGITS]}-{sha256_of(forged)[:DIGITS]}.onnx"))
    assert not np.array_equal(landmarks(adapter, "onnxruntime"), expected), "as it must be read"
    np.testing.assert_array_equal(landmarks(adapter, "onnxruntime", signed_by=key), expected)


def test_a_saved_choice_is_not_run(
    adapter: Path, key: PublicKey, student_model: Model, place: Path
) -> None:
    model, file = find_model(str(adapter)), write_exported(place / "fast.onnx", student_model)
    choice = {"runtime": "onnxruntime", "device": "cpu", "precision": "fp32", "threads": 1}
    figures = {"p50_ms": 1.0, "mean_px": 0.1}
    hashed = {"model_sha256": model.exported_sha256, "file_sha256": sha256_of(file)}
    identity = {"machine": machine_identity("cpu"), "versions": runtime_versions()}
    save_choice(
        Choice(model=model.reference, file=str(file), **choice, **figures, **hashed, **identity)
    )
    assert "chosen by lmk bench" in open_backend(str(adapter)).description
    backend = open_backend(str(adapter), signed_by=key)
    assert "chosen by" not in backend.description
    np.testing.assert_allclose(
        backend.infer(IMAGES)[0], landmarks(adapter, "onnxruntime", signed_by=key), atol=0.01
    )


def test_a_core_of_another_content_is_not_folded(
    adapter: Path, key: PublicKey, small_core: Model, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signed manifest holds the hash of the core, whatever lies under the core's name."""
    copied = place / "work" / "small-core"
    shutil.copytree(small_core.folder, copied)
    other = make_student("tiny", 14)
    arrays = {name: value + 0.5 for name, value in arrays_of(state_of(other)).items()}
    forged = save_model(copied, "small-core", arrays, 14, architecture=other.architecture.name)
    monkeypatch.chdir(place / "work")
    with pytest.raises(WeightsError, match="needs the core small-core with content hash"):
        landmarks(adapter, "onnxruntime", signed_by=key)
    manifest = json.loads((copied / "manifest.json").read_text())
    assert manifest["weights_sha256"] == forged.manifest.weights_sha256
    manifest["weights_sha256"] = small_core.manifest.weights_sha256  # which its weights are not
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(WeightsError, match="does not match its manifest"):
        landmarks(adapter, "onnxruntime", signed_by=key)


def test_an_error_about_the_copy_names_the_file_that_was_given(
    run: Model, keys: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_exported(place / "broken.onnx", run)
    path.write_bytes(b"\0" * 100)
    content = json.loads(sidecar(path).read_text())
    sidecar(path).write_text(json.dumps(content | {"files": hashes(path)}))
    sign_exported(path, read_private_key(keys / "me.key"))
    monkeypatch.chdir(place)
    for model in (str(path), "broken.onnx"):
        with pytest.raises(WeightsError) as caught:
            lmk.Landmarker(model, "onnxruntime", require_signature=keys / "me.pub")
        assert str(caught.value).startswith(f"{model} is not a valid ONNX file")
    assert list((place / "temporary").glob("lmk-*")) == []


def test_a_landmarker_that_was_pickled_requires_the_signature_again(
    adapter: Path, run: Model, small_core: Model, keys: Path
) -> None:
    landmarker = lmk.Landmarker(adapter, region="center", require_signature=keys / "me.pub")
    assert landmarker(np.zeros((128, 128, 3), np.uint8)).xy.shape == (1, 7, 2)
    stored = pickle.dumps(landmarker)
    assert pickle.loads(stored).backend.description == landmarker.backend.description
    pack(run.manifest, run.arrays(), small_core.manifest, adapter)
    with pytest.raises(WeightsError, match="is not signed"):
        pickle.loads(stored)
