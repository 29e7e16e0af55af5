from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from lmk.data.synthetic import draw
from lmk.errors import UsageError
from lmk.model.folder import find_model
from lmk.training.device import Compute, select_compute

ROOT = Path(__file__).parents[2]


def torchrun(*command: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*launcher, *command], env=environment, capture_output=True, text=True, timeout=300
    )


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    from shared_gradients import gradients

    script = Path(__file__).with_name("shared_gradients.py")
    done = torchrun(str(script), str(tmp_path / "two.pt"))
    assert done.returncode == 0, done.stderr
    two = torch.load(tmp_path / "two.pt")
    assert two["processes"] == 2
    one = gradients(Compute(torch.device("cpu"), bf16=False))
    assert one.keys() == two["gradients"].keys()
    assert "detector.block1.conv1.projection_delta" in one
    assert "generator.decoder.8.weight" in one
    # A softargmax does not see a heatmap's level: the gradient of that bias is rounding alone.
    level = one.pop("detector.head.bias")
    assert level.abs().max() < 1e-3 * one["detector.head.weight"].abs().max()
    for name, gradient in one.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(two["gradients"][name], gradient, rtol=1e-2, atol=5e-3 * scale)


def test_two_processes_train_one_run_and_resume_it(tmp_path: Path, core_model) -> None:
    (tmp_path / "images").mkdir()
    for index, crop in enumerate(draw(6, seed=0)[0]):
        cv2.imwrite(str(tmp_path / f"images/{index}.png"), crop)
    run = tmp_path / "run"
    command = ["-m", "lmk", "train", "--images", str(tmp_path / "images"), "-o", str(run)]
    command += ["--core", str(core_model.folder), "--steps", "3", "--batch-size", "4"]
    command += ["--generator-width", "4", "--log-every", "1", "--precision", "fp32"]
    done = torchrun(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model in") == 1
    assert "2 processes" in done.stderr
    assert len((run / "log.csv").read_text().split()) == 1 + 3
    assert find_model(str(run)).manifest.training["steps"] == 3
    again = torchrun(*command, "--resume")
    assert again.returncode == 0, again.stderr


def test_half_an_environment_names_torchrun(monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    with pytest.raises(UsageError, match="torchrun --nproc-per-node"):
        select_compute("cpu", "fp32")
