from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import pytest
import yaml

from lmk.data.synthetic import draw
from lmk.model.folder import find_model
from lmk.training.options import AdaptOptions, preset


def lmk(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lmk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def foxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foxes")
    for index, crop in enumerate(draw(4, seed=0)[0]):
        cv2.imwrite(str(folder / f"{index}.png"), crop[:, :, ::-1])
    return folder


def config(run: Path) -> dict[str, object]:
    return yaml.safe_load((run / "config.yaml").read_text())


def test_options_come_from_preset_file_and_command_line_in_this_order(
    tmp_path: Path, foxes: Path, small_core
) -> None:
    first = ["train", "--images", foxes, "--core", small_core.folder, "-o", tmp_path / "first"]
    first += ["--preset", "paper", "--perceptual", "core", "--generator-width", 4]
    done = lmk(*first, "--steps", 2, "--batch-size", 2, "--look-every", 1)
    assert done.returncode == 0, done.stderr
    resolved = config(tmp_path / "first")
    assert (resolved["separation"], resolved["rotation"], resolved["rate-head"]) == (
        0,
        "normal",
        1e-3,
    )  # of the paper
    assert (resolved["generator-width"], resolved["steps"], resolved["perceptual"]) == (
        4,
        2,
        "core",
    )
    assert resolved["images"] == str(foxes)
    assert (resolved["preset"], resolved["precision"]) == ("paper", "auto")
    written = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert written == [
        *("adapter.safetensors", "best", "checkpoint.pt", "config.yaml", "manifest.json"),
        *("samples", "tensorboard"),
    ]
    assert find_model(str(tmp_path / "first/best")).manifest.kind == "adapter"

    done = lmk("train", "--config", tmp_path / "first", "-o", tmp_path / "second", "--steps", 1)
    assert done.returncode == 0, done.stderr
    assert config(tmp_path / "second") == {**resolved, "steps": 1}
    again = lmk("train", "--config", tmp_path / "second", "-o", tmp_path / "second", "--resume")
    assert again.returncode == 0, again.stderr
    other = lmk("train", "--config", tmp_path / "first", "-o", tmp_path / "second", "--resume")
    assert other.returncode == 1
    assert "steps was 1 and is 2" in other.stderr


def test_a_file_that_names_every_setting_leaves_nothing_to_a_preset(
    tmp_path: Path, foxes: Path, small_core
) -> None:
    rates = {}
    base = ["train", "--images", foxes, "--core", small_core.folder, "-o", tmp_path / "run"]
    whole = tmp_path / "whole.yaml"
    write_settings(whole, preset("fast"))
    refused = lmk(*base, "--config", whole, "--preset", "paper")
    assert refused.returncode == 2
    assert "--preset paper has no effect with --config" in refused.stderr
    for rate in (None, 0.002):
        write_settings(whole, replace(preset("fast"), rate_body=rate or preset("fast").rate_body))
        other = [*base, "--config", whole, "--method", "finetune"]
        done = lmk(*other, "--steps", 1, "--reconstruction", 0, "--batch-size", 2)
        assert done.returncode == 0, done.stderr
        rates[rate] = config(tmp_path / "run")["rate-body"]
        shutil.rmtree(tmp_path / "run")
    assert rates == {None: preset("fast", "finetune").rate_body, 0.002: 0.002}
    whole.write_text(yaml.safe_dump({**asdict(preset("paper")), "preset": "paper"}))
    other = [*base, "--config", whole, "--method", "finetune", "--perceptual", "core"]
    done = lmk(*other, "--steps", 1, "--batch-size", 2, "--generator-width", 4)
    assert done.returncode == 0, done.stderr
    assert config(tmp_path / "run")["rate-body"] == preset("paper", "finetune").rate_body


def test_a_file_may_name_other_features_than_the_command(
    tmp_path: Path, foxes: Path, small_core
) -> None:
    """What is written wins, also where it is another kind of features than the file's."""
    file, weights = tmp_path / "a.yaml", tmp_path / "vgg.safetensors"
    base = ["train", "--images", foxes, "--core", small_core.folder, "-o", tmp_path / "run"]
    base += ["--config", file, "--steps", 1, "--batch-size", 2, "--generator-width", 4]
    file.write_text(f"perceptual: vgg19\nperceptual-weights: {weights}\n")
    done = lmk(*base, "--perceptual", "core")
    assert done.returncode == 0, done.stderr
    assert config(tmp_path / "run")["perceptual-weights"] is None
    shutil.rmtree(tmp_path / "run")
    file.write_text("perceptual: core\n")
    done = lmk(*base, "--perceptual-weights", weights)
    assert "add --perceptual" not in done.stderr
    assert str(weights) in done.stderr, "which is not there"


def test_what_needs_no_pictures_is_said_before_they_are_read(
    tmp_path: Path, foxes: Path, core_model, adapter_model
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/checkpoint.pt").touch()
    (tmp_path / "a.yaml").write_text("core:\n")
    base = ["train", "--images", foxes]
    core = ["--core", core_model.folder]
    for arguments, words in {
        (*core, "-o", tmp_path / "file"): "is not a folder",
        (*core, "-o", tmp_path / "run"): "add --resume to continue",
        (*core, "-o", tmp_path / "new", "--resume"): "nothing to resume",
        ("--core", adapter_model.folder, "-o", tmp_path / "new"): "is an adapter",
        ("--config", tmp_path / "a.yaml", "-o", tmp_path / "new"): "needs a core: add --core NAME",
    }.items():
        done = lmk(*base, *arguments)
        assert done.returncode in (1, 2)
        assert words in done.stderr
        assert "decoding images" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def write_settings(file: Path, options: AdaptOptions) -> None:
    file.write_text(yaml.safe_dump(asdict(options)))


def test_dry_run_prints_the_plan_and_writes_nothing(
    tmp_path: Path, foxes: Path, core_model
) -> None:
    run = tmp_path / "run"
    base = ["train", "--images", foxes, "--core", core_model.folder, "-o", run, "--dry-run"]
    done = lmk(*base, "--batch-size", 2, "--steps", 40, "--generator-width", 4)
    assert done.returncode == 0, done.stderr
    plan = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert plan["network"].startswith("550,026 parameters learnable, 6,217,216 frozen")
    assert plan["pictures"] == "4, seen 20.0 times each"
    assert plan["steps"] == "40 of 2 pairs"
    assert "s per step, fastest of 3" in plan["time"]
    assert "GB" in plan["memory"]
    assert not run.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "slow"], "no preset 'slow': expected one of fast, paper"),
        (["--data", "other.json"], "either --images DIR or --data SET"),
        (["--config", "absent.yaml"], "cannot read absent.yaml"),
        (
            ["--perceptual", "core", "--perceptual-weights", "v.safetensors"],
            "add --perceptual vgg19",
        ),
        (["--reconstruction", 0, "--equivariance", 0], "nothing to learn from"),
        (["--batch-size", 1], "--batch-size"),
    ],
)
def test_wrong_options_are_named(
    tmp_path: Path, foxes: Path, small_core, arguments: list[object], message: str
) -> None:
    base = ["train", "--images", foxes, "--core", small_core.folder, "-o", tmp_path / "run"]
    done = lmk(*base, *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "run").exists()
