from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import torch

from lmk.data.synthetic import draw
from lmk.model.folder import find_model
from lmk.system.errors import UsageError
from lmk.training.device import Compute, select_compute

ROOT = Path(__file__).parents[2]


def started(*command: str) -> subprocess.Popen[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*launcher, *command], env=environment, stdout=pipe, stderr=pipe, text=True
    )


def torchrun(*command: str) -> subprocess.CompletedProcess[str]:
    with started(*command) as running:
        out, errors = running.communicate(timeout=300)
    return subprocess.CompletedProcess(command, running.returncode, out, errors)


def test_two_processes_have_the_gradients_of_one(tmp_path: Path) -> None:
    from shared_gradients import gradients

    script = Path(__file__).with_name("shared_gradients.py")
    done = torchrun(str(script), str(tmp_path / "two.pt"))
    assert done.returncode == 0, done.stderr
    two = torch.load(tmp_path / "two.pt")
    assert two["processes"] == 2
    one = gradients(Compute(torch.device("cpu"), bf16=False))
    assert one.keys() == two["gradients"].keys()
    assert "network.block1.conv1.projection_delta" in one
    assert "generator.decoder.8.weight" in one
    # A softargmax does not see a heatmap's level: the gradient of that bias is rounding alone.
    level = one.pop("network.head.bias")
    assert level.abs().max() < 1e-3 * one["network.head.weight"].abs().max()
    for name, gradient in one.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(two["gradients"][name], gradient, rtol=1e-2, atol=5e-3 * scale)


@pytest.fixture
def command(tmp_path: Path, small_core) -> list[str]:
    """A training that is evaluated at every step, and does not reconstruct from the first on."""
    (tmp_path / "images").mkdir()
    for index, crop in enumerate(draw(6, seed=0)[0]):
        cv2.imwrite(str(tmp_path / f"images/{index}.png"), crop)
    command = ["-m", "lmk", "train", "--images", str(tmp_path / "images")]
    command += ["--core", str(small_core.folder), "--batch-size", "4", "--precision", "fp32"]
    command += ["--generator-width", "4", "--reconstruction-from", "0.01"]
    return [*command, "--log-every", "1", "--look-every", "1", "-o", str(tmp_path / "run")]


def test_two_processes_train_one_run(command: list[str], tmp_path: Path) -> None:
    done = torchrun(*command, "--steps", "3", "--mirror", "--mirror-from", "0.3", "--warp", "0.03")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model in") == 1
    assert "2 processes" in done.stderr
    assert len((tmp_path / "run/log.csv").read_text().split()) == 1 + 3
    assert len(list((tmp_path / "run/samples").iterdir())) == 3
    assert find_model(str(tmp_path / "run")).manifest.training["steps"] == 3
    checkpoint = torch.load(tmp_path / "run/checkpoint.pt")
    assert checkpoint["modules"]["mirror"]["distance_px"] > 0


def test_two_processes_that_are_interrupted_keep_their_work(
    command: list[str], tmp_path: Path
) -> None:
    command += ["--steps", "200"]
    log = tmp_path / "run/log.csv"
    with started(*command) as running:
        while running.poll() is None and not (log.exists() and len(log.read_text().split()) > 2):
            time.sleep(0.1)
        assert running.poll() is None, running.communicate()[1]
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=100)
    steps = torch.load(tmp_path / "run/checkpoint.pt")["steps"]
    assert 2 <= steps < 200
    again = torchrun(*command, "--resume", "--max-minutes", "0.001")
    assert again.returncode == 0, again.stderr
    assert find_model(str(tmp_path / "run")).manifest.training["steps"] > steps


def test_half_an_environment_names_torchrun(monkeypatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    with pytest.raises(UsageError, match="torchrun --nproc-per-node"):
        select_compute("cpu", "fp32")
