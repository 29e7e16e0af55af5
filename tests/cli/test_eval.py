"""`lmk eval` and `lmk compare`, from files to tables, JSON and page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from colour_detector import METADATA, save_detector
from evaluation.dots import edit, write_dots
from typer.testing import CliRunner

from lmk.cli import app
from lmk.model.folder import SHIPPED, find_model
from lmk.system.errors import LmkError

# torch cannot be imported: evaluation must not need it.
START = "import sys; sys.modules['torch'] = None; from lmk.cli import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two exported detectors with the same answers, a test set, and images for regressors."""
    folder = tmp_path_factory.mktemp("eval")
    save_detector(folder / "dots.onnx")
    save_detector(folder / "again.onnx", METADATA | {"name": "again"})
    write_dots(folder / "test", 9, seed=0)
    write_dots(folder / "train", 12, seed=1)
    return folder


def lmk(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={**os.environ, "LMK_CACHE": str(folder / "cache"), "COLUMNS": "100"},
    )


def test_eval_prints_tables_and_writes_json_and_page(folder: Path) -> None:
    options = ["--data", "test/set.json", "--regressor-data", "train/set.json", "--json", "r.json"]
    done = lmk(folder, "eval", "dots.onnx", *options, "-o", "report")
    assert done.returncode == 0, done.stderr
    assert "forward error" in done.stdout
    assert "12 images of train/set.json" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 100
    written = json.loads((folder / "r.json").read_text())
    assert written["models"][0]["figures"]["forward error"]["value"] < 1
    assert written["command"].startswith("lmk eval dots.onnx")
    assert "<h1>dots.onnx on test</h1>" in (folder / "report" / "report.html").read_text()

    again = lmk(folder, "eval", "dots.onnx", *options)
    assert again.returncode == 0
    assert "unchanged" not in again.stderr, "the landmarks are in the cache"
    second = json.loads((folder / "r.json").read_text())
    assert second["models"] == written["models"]


def test_compare_prints_models_side_by_side(folder: Path) -> None:
    models = ["dots.onnx", "again.onnx"]
    done = lmk(folder, "compare", *models, "--data", "test/set.json", "--folds", 3, "-o", "both")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "figure dots.onnx again.onnx" in text
    assert "(+0.00, +0.00 to +0.00)" in text
    assert "3-fold cross-validation" in text
    page = (folder / "both" / "report.html").read_text()
    assert "<h1>dots.onnx, again.onnx on test</h1>" in page


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--data", "absent.json"], 1, "absent.json cannot be read"),
        (["--metrics", "forward,iou"], 2, "unknown metric iou"),
        (["--metrics", "pckh"], 1, "3 landmarks have no names, but there are 4 points"),
        (["--normalize", "nose,tail"], 2, "no points tail"),
        (["--counts", "1,few"], 2, "such as 1,10,100,all"),
        (["--counts", "0"], 2, "at least 1"),
        (
            ["--counts", "10", "--folds", "3"],
            1,
            "10 training images requested, but only 6 available",
        ),
        (["--folds", "10", "--metrics", "forward"], 1, "9 usable images"),
        (["--ridge", "0"], 2, "above 0"),
        (["--save"], 2, "give the model folder"),
        (["--runtime", "torch"], 2, "torch cannot read dots.onnx"),
    ],
)
def test_wrong_calls_of_eval(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LMK_CACHE", str(folder / "cache"))
    result = CliRunner().invoke(app, ["eval", "dots.onnx", "--data", "test/set.json", *options])
    assert isinstance(result.exception, LmkError), result.output
    assert result.exception.exit_code == code
    assert message in str(result.exception)


def test_figures_are_saved_in_a_folder_and_not_in_what_came_with_lmk(folder: Path) -> None:
    """Figures of other data go, and are named."""
    options = ["--data", "test/set.json", "--metrics", "spread", "--save"]
    refused = lmk(folder, "eval", "faces", *options)
    assert refused.returncode == 2
    assert "faces is a shipped model" in refused.stderr
    shutil.copytree(SHIPPED / "faces", folder / "mine")
    done = lmk(folder, "eval", "mine", *options)
    assert done.returncode == 0, done.stderr
    assert "measured on other data: backward %, consistency px, forward %" in done.stdout
    figures = find_model(str(folder / "mine")).manifest.figures
    assert set(figures) == {"nearest neighbour px", "motion px", "measured on"}
    assert figures["measured on"].startswith("test")


def test_images_that_cannot_be_used_are_reported(folder: Path) -> None:
    def spoil(content: dict) -> None:
        content["annotations"][0]["keypoints"][2] = 0
        content["annotations"][1]["keypoints"][3:5] = content["annotations"][1]["keypoints"][:2]

    file = edit(write_dots(folder / "spoilt", 8, seed=3), spoil)
    done = lmk(folder, "eval", "dots.onnx", "--data", file, "--folds", 2)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "1 of 8 images of spoilt lack points" in text
    assert "1 of 8 images of spoilt have no length above 0 (eyes)" in text
    assert "nan" not in text.lower()
