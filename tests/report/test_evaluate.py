from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from colour_detector import METADATA, save_detector
from evaluation.dots import write_dots

from lmk.data.drawn import write_foxes
from lmk.report.evaluate import evaluate
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter

ROOT = Path(__file__).parents[2]


def test_the_documented_example_measures_drawn_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_foxes(tmp_path / "test", 6, 0, Reporter())
    write_foxes(tmp_path / "train", 8, 1, Reporter())
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "evaluate.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (example,) = (code for code in examples if "lmk.evaluate(" in code)
    names: dict = {}
    exec(example, names)
    assert names["errors"]["forward error"] > 0
    assert names["figures"]["regressor_data"]["images"] == 8
    assert names["figures"]["protocol"]["draws"] == 3
    assert names["figures"]["models"][0]["figures"]["consistency"]["unit"] == "px"
    assert "<h1>faces on " in Path("report.html").read_text()


def test_several_models_are_compared_with_the_first(tmp_path: Path) -> None:
    first = save_detector(tmp_path / "dots.onnx")
    second = save_detector(tmp_path / "again.onnx", METADATA | {"name": "again"})
    data = write_dots(tmp_path / "set", 7, seed=0)
    results = evaluate([first, str(second)], data, metrics=("consistency",), runtime="onnxruntime")
    assert results.names == ["dots.onnx", "again.onnx"]
    assert results.differences[0]["consistency"].value == 0
    assert np.isfinite(results.evaluations[1].found).all()
    assert results.command.startswith("lmk.evaluate([")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"metric": ("forward",)}, "unknown option metric: expected some of metrics, counts"),
        ({"metrics": ("iou",)}, "unknown metric iou: expected some of nme,forward,backward"),
        ({"ridge": 0.0}, "above 0"),
        ({"folds": 1}, "folds: expected numbers of at least 2"),
        ({"counts": (5, 0)}, "counts: expected numbers of at least 1"),
    ],
)
def test_wrong_settings_are_found_before_anything_is_read(settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate("absent", "absent.json", **settings)
