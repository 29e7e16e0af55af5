from __future__ import annotations

from pathlib import Path

import pytest
from colour_detector import save_detector
from evaluation.dots import write_dots

from lmk.evaluation.landmarks import EvaluatedModel, open_model


@pytest.fixture(scope="session")
def dots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A test set of 12 pictures and a training set of 14."""
    folder = tmp_path_factory.mktemp("dots")
    return write_dots(folder / "test", 12, seed=0), write_dots(folder / "train", 14, seed=1)


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluatedModel:
    """The colour detector, with an empty cache."""
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    return open_model(str(save_detector(tmp_path / "dots.onnx")), "onnxruntime", "cpu")
