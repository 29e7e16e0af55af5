from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from lmk.cli import app
from lmk.data.photograph import FACE_SIDE, FACE_XY, photograph
from lmk.model.folder import find_model


def lmk(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One face, at 12 places of its picture."""
    folder, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for index in range(12):
        side = FACE_SIDE * random.uniform(0.9, 1.2)
        x, y = (np.array(FACE_XY) + random.uniform(-8, 8, 2) - side / 2).astype(int)
        crop = photograph()[y : y + int(side), x : x + int(side)]
        cv2.imwrite(str(folder / f"{index}.png"), crop)
    return folder


def test_a_shipped_model_teaches_a_student(faces: Path, tmp_path: Path) -> None:
    run = tmp_path / "faces-tiny"
    short = ("--steps", 2, "--batch-size", 4, "--look-every", 1, "--log-every", 1)
    done = lmk("distill", "faces", "--images", faces, "-o", run, "--size", "tiny", *short)
    assert done.exit_code == 0, done.output
    assert f"model in {run}: lmk run webcam --model {run}" in done.output
    model, teacher = find_model(str(run)), find_model("faces")
    assert model.manifest.architecture == "student-tiny"
    assert model.manifest.training["teachers"] == [{"name": "faces", "sha256": teacher.sha256}]
    assert model.manifest.framing.finder == "cascade:face"
    written = {path.name for path in run.iterdir()}
    assert {"best", "checkpoint.pt", "config.yaml", "log.csv", "samples", "tensorboard"} <= written
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert (config["teachers"], config["size"], config["images"]) == ("faces", "tiny", str(faces))
    again = lmk("distill", "faces", "--config", run, "-o", run)
    assert "add --resume" in str(again.exception)
    resumed = lmk("distill", "--config", run, "-o", run, "--resume")
    assert resumed.exit_code == 0, resumed.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["faces", "--size", "large"], "is not one of"),
        (["faces"], "expected at least a batch of 64"),
        (["faces", "--data", "x.json"], "expected either --images DIR or --data SET"),
        ([], "expected a TEACHER"),
        (["faces", "--start", "cats", "--size", "tiny"], "--size tiny has no effect with --start"),
        (["faces", "--start", "core-pose", "--batch-size", "4"], "10 landmarks, and core-pose"),
        (["nothing"], "unknown model 'nothing'"),
        (["faces", "core-pose", "--batch-size", "4"], "with the same landmarks"),
    ],
)
def test_what_cannot_be_distilled_is_a_clear_error(
    faces: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = lmk("distill", *arguments, "--images", faces, "-o", tmp_path / "run")
    assert done.exit_code != 0
    assert words in " ".join(f"{done.output} {done.exception}".split())
    assert not (tmp_path / "run").exists()
