from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colour_detector import save_detector
from evaluation.dots import write_dots

from lmk.evaluation.annotated import load_annotated
from lmk.evaluation.comparison import differences
from lmk.evaluation.landmarks import open_model
from lmk.evaluation.measure import measure_all
from lmk.evaluation.protocol import Protocol, make_benchmark
from lmk.model.points import NO_POINTS
from lmk.report.results import Results
from lmk.system.progress import Reporter


class Shifted:
    """Another backend's landmarks, 4 px to the right."""

    description, num_landmarks, input_size, points = "shifted", 3, 128, NO_POINTS

    def __init__(self, backend) -> None:
        self._backend = backend

    def infer(self, images):
        found = self._backend.infer(images)
        return found._replace(landmarks=found.landmarks + np.array([4, 0], np.float32))


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two detectors on pictures whose set bears the name of one of the paper's."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMK_CACHE", str(folder / "cache"))
        detector = open_model(str(save_detector(folder / "dots.onnx")), "onnxruntime", "cpu")
        detector = replace(detector, name="dots <b>")
        shifted = replace(detector, name="shifted", backend=Shifted(detector.backend))
        test = load_annotated(write_dots(folder / "aflw", 9, seed=0), Reporter())
        train = load_annotated(write_dots(folder / "train", 12, seed=1), Reporter())
        benchmark = make_benchmark(test, train, Protocol(draws=3))
        evaluations = measure_all([detector, shifted], benchmark, Reporter())
        return Results(benchmark, evaluations, differences(evaluations, seed=0), "lmk compare x")


@pytest.fixture
def alone(compared: Results) -> Results:
    """The first detector alone."""
    return Results(compared.benchmark, compared.evaluations[:1], [], "lmk eval x")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
