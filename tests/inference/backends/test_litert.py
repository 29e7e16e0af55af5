"""LiteRT as a runtime: any batch, several threads, files that describe themselves, and bad ones."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from litert_files import change_in_place
from named_models import NAMES, named_folder

from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import PREFERENCE
from lmk.artifact.provenance import sidecar
from lmk.exporting.export import export_model
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.inference.backends.litert import LiteRtBackend
from lmk.inference.backends.select import open_backend
from lmk.inference.landmarker import Landmarker
from lmk.model.folder import Model, find_model
from lmk.model.framing import Framing
from lmk.system.errors import UnavailableError, UsageError, WeightsError
from lmk.system.progress import Reporter

pytest.importorskip("ai_edge_litert")

ROOT = Path(__file__).parents[3]


def export(model: Model, folder: Path, precision: str = "fp32", batch: int | None = None) -> Path:
    sizes = BatchRange(batch, batch, batch) if batch else BatchRange()
    options = ExportOptions("litert", precision, sizes, reference=None)
    calibration = drawn_samples(128, 8) if precision == "int8" else None
    return export_model(model, folder, options, drawn_samples(128, 4), calibration, Reporter()).path


@pytest.fixture(scope="module")
def file(small_core: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(small_core, tmp_path_factory.mktemp("litert"))


@pytest.fixture
def alone(file: Path, tmp_path: Path) -> Path:
    """A copy without the provenance beside it."""
    copy = tmp_path / "alone.tflite"
    copy.write_bytes(file.read_bytes())
    return copy


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 128, 128, 3), np.uint8)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("batch", [None, 2])
def test_a_batch_has_the_landmarks_of_single_pictures(
    student_model: Model, tmp_path: Path, precision: str, batch: int | None
) -> None:
    backend = open_backend(str(export(student_model, tmp_path, precision, batch)))
    assert backend.name == "litert"
    images = pictures(5)
    single = np.concatenate([backend.infer(images[at : at + 1]).places for at in range(5)])
    assert np.ptp(single, axis=0).max() > 0.1  # the pictures differ, so a mix-up would show
    for count in (5, 2, 3, 1):
        found = backend.infer(images[:count])
        np.testing.assert_allclose(found.places, single[:count], atol=1e-3)
        assert found.scores.shape == (count, 7)


def test_threads_share_one_model(file: Path) -> None:
    backend, images = open_backend(str(file), threads=2), pictures(6)
    batches = [images[: 1 + at % 6] for at in range(24)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(backend.infer, batches))
    whole = backend.infer(images).landmarks
    for part in found:
        np.testing.assert_allclose(part.landmarks, whole[: len(part.landmarks)], atol=1e-3)


def test_the_file_alone_knows_all_about_its_model(student_model: Model, tmp_path: Path) -> None:
    framing = Framing(
        landmarks_input=tuple((20.0 + 9 * k, 40.0 + 5 * k) for k in range(7)),
        spread_px=2.5,
        score=0.5,
        finder="center",
        finder_box=(0.1, 0.1, 0.8, 0.8),
    )
    model = find_model(str(named_folder(student_model, tmp_path / "feet")))
    model = replace(model, manifest=replace(model.manifest, framing=framing))
    path = export(model, tmp_path / "out", "int8")
    sidecar(path).unlink()
    backend = open_backend(str(path))
    assert (backend.num_landmarks, backend.input_size) == (7, 128)
    assert backend.framing == framing
    assert backend.points.names == NAMES
    assert backend.layers() == {"int8": 17, "fp32": 2}
    assert backend.description.endswith("on cpu, int8")
    assert backend.infer(pictures(2)).points.shape == (2, 3, 2)


def test_half_a_file_is_half_as_large_and_says_how_it_computes(
    student_model: Model, tmp_path: Path
) -> None:
    whole, half = (export(student_model, tmp_path, one) for one in ("fp32", "fp16"))
    assert half.stat().st_size == pytest.approx(whole.stat().st_size / 2, rel=0.05)
    backend = open_backend(str(half))
    assert backend.description.endswith("float16 weights, computed in float32")
    assert backend.layers() == {"fp32": 19}


def test_a_model_by_its_name_is_folded_into_the_cache(
    adapter_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    images, folder = pictures(2), str(adapter_model.folder)
    found, expected = (open_backend(folder, one).infer(images) for one in ("litert", "onnxruntime"))
    np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=5e-3)
    (made,) = (tmp_path / "cache" / "litert").iterdir()
    assert made.suffix == ".tflite"


def test_auto_reads_such_files_by_it_and_never_chooses_it_for_models(file: Path) -> None:
    assert open_backend(str(file)).name == "litert"
    assert "litert" not in {name for names in PREFERENCE.values() for name in names}
    with pytest.raises(UsageError, match="choose --runtime litert"):
        open_backend(str(file), "onnxruntime")


def test_it_runs_on_the_cpu_alone(file: Path) -> None:
    with pytest.raises(UnavailableError, match="on the CPU, not on cuda"):
        LiteRtBackend(str(file), "cuda")


def test_a_file_runs_without_onnx(file: Path) -> None:
    code = (
        "import sys; sys.modules['onnx'] = sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from lmk.inference.backends.select import open_backend\n"
        "found = open_backend(sys.argv[1]).infer(np.zeros((2, 128, 128, 3), np.uint8))\n"
        "print(found.landmarks.shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "(2, 14, 2)", done.stderr


def test_without_litert_the_remedy_is_named(
    file: Path, small_core: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)
    words = r"ai-edge-litert is not installed: run .*\[litert\]"
    with pytest.raises(UnavailableError, match=words):
        open_backend(str(file), "litert")
    with pytest.raises(UnavailableError, match=words):
        export(small_core, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["cut", "empty", "other", "operation", "contract"])
def test_a_file_that_is_damaged_or_strange_is_one_clear_error(alone: Path, kind: str) -> None:
    whole = alone.read_bytes()
    if kind == "operation":
        change_in_place(alone, lambda m: setattr(m.operatorCodes[0], "builtinCode", 160))
    elif kind == "contract":
        change_in_place(alone, lambda m: setattr(m, "metadata", []))
    else:
        alone.write_bytes(
            {"cut": whole[: len(whole) // 2], "empty": b"", "other": b"x" * 999}[kind]
        )
    words = "is not a model that lmk" if kind == "contract" else "is not a valid LiteRT file"
    with pytest.raises(WeightsError, match=words) as caught:
        open_backend(str(alone))
    assert "alone.tflite" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_changed_file_is_refused_with_the_command_that_makes_it_again(
    small_core: Model, tmp_path: Path
) -> None:
    path = export(small_core, tmp_path, "fp16")
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"was changed.*-f litert --precision fp16"):
        open_backend(str(path))
    assert json.loads(sidecar(path).read_text())["format"] == "litert"


def in_child(backend: LiteRtBackend, answers) -> None:
    try:
        answers.put(backend.infer(pictures(1)).landmarks.shape)
    except UsageError as error:
        answers.put(str(error))


@pytest.mark.parametrize(("threads", "answer"), [(1, (1, 14, 2)), (2, "before its process was")])
def test_a_forked_process_never_waits_for_threads_that_it_does_not_have(
    file: Path, threads: int, answer: object
) -> None:
    context = multiprocessing.get_context("fork")
    backend, answers = open_backend(str(file), threads=threads), context.Queue()
    backend.infer(pictures(1))
    child = context.Process(target=in_child, args=(backend, answers))
    child.start()
    found = answers.get(timeout=60)
    child.join()
    assert found == answer or str(answer) in found


def test_a_landmarker_by_it_can_be_pickled(file: Path) -> None:
    import pickle

    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    first = Landmarker(file, "litert", region="center")
    second = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(first(image).xy, second(image).xy)
