from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import yaml

from lmk.data.synthetic import draw
from lmk.training.checkpoint import CHECKPOINT

COMMANDS = [
    "data",
    "data prepare",
    "data pack",
    "data verify",
    "data show",
    "data draw",
    "pretrain",
    "train",
    "eval",
    "compare",
    "bench",
    "export",
    "fold",
    "adapter",
    "adapter pack",
    "adapter verify",
    "adapter show",
    "doctor",
    "run",
    "models",
    "models list",
    "models show",
    "demo",
]
HEAVY = ("torch", "cv2", "PIL", "onnx", "onnxruntime", "openvino", "numpy")


def lmk(*arguments: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lmk", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


@pytest.fixture(scope="module")
def foxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six pictures, some below a folder of its own."""
    folder = tmp_path_factory.mktemp("foxes")
    (folder / "more").mkdir()
    for i, crop in enumerate(draw(6, seed=0)[0]):
        cv2.imwrite(str(folder / ("more" if i % 2 else "") / f"{i}.png"), crop[:, :, ::-1])
    return folder


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['lmk', '--help']\n"
        "from lmk.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_help_answers_in_half_a_second() -> None:
    def seconds() -> float:
        began = time.perf_counter()
        lmk("--help")
        return time.perf_counter() - began

    assert min(seconds() for _ in range(5)) < 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = lmk(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert not re.search(r"Traceback|None\b", done.stdout)


def test_help_fills_lines_and_keeps_words_in_brackets() -> None:
    done = lmk("run", "--help")
    assert "onnx:FILE[#CLASS]" in " ".join(re.sub("[│╭╮╰╯─]", " ", done.stdout).split())
    (line,) = (line for line in done.stdout.splitlines() if "Cameras and streams" in line)
    assert len(line.rstrip()) > 65  # of 80


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "-o", "r"], 2, "either --images DIR or --data"),
        (["train", "--images", ".", "-o", "r", "--keypoints", "0"], 2, "--keypoints"),
        (["train", "--images", "absent", "-o", "r", "--method", "scratch"], 1, "not a folder"),
        (["train", "--images", ".", "-o", "r", "--core", "absent"], 1, "no model 'absent'"),
        (["train", "--images", ".", "-o", "r", "--device", "cuda:7"], 4, "cuda:7 is not here"),
        (["pretrain", "-o", "r"], 2, "annotated pictures with --data FILE"),
        (["pretrain", "--data", "absent.json", "-o", "r"], 1, "cannot read absent.json"),
        (["pretrain", "--data", ".", "--core", "absent", "-o", "r"], 1, "no model 'absent'"),
        (["pretrain", "--data", ".", "-o", "r"], 1, "expected a COCO keypoint file, or a packed"),
        (["eval", "absent", "--data", "x.json"], 1, "no model 'absent'"),
        (["compare", "faces", "--data", "x"], 2, "at least two"),
        (["export", "absent", "-o", "d"], 1, "no model 'absent'"),
        (["export", "faces", "-o", "d", "--batch", "few"], 2, "expected --batch dynamic"),
        (["export", "faces", "-o", "d", "--precision", "int8"], 2, "--calibration-data FOLDER"),
        (["export", "faces", "-o", "d", "--precision", "bf16"], 2, "not bf16"),
        (["export", "faces", "-o", "d", "--opset", "9", "--no-verify"], 2, "opsets 17 to 21"),
        (["export", "faces", "-o", "d", "--workspace", "64"], 2, "--workspace is for engines"),
        (["export", "faces", "-o", "d", "--calibration-data", "x"], 2, "is for int8, not for fp32"),
        (
            ["export", "faces", "-o", "d", "--no-verify", "--verify-data", "x"],
            2,
            "compares nothing",
        ),
        (["fold", "core-pose", "absent.adapter", "-o", "d"], 1, "no model 'absent.adapter'"),
        (["adapter", "pack", "core-pose", "-o", "x.adapter"], 2, "only adapters are packed"),
        (["adapter", "show", "faces"], 2, "expected a .adapter file, got faces"),
        (["data", "verify", "."], 1, "make one with lmk data pack"),
        (["models", "show", "absent"], 1, "no model 'absent'"),
        (["data", "prepare", "lfw", ".", "-o", "d"], 2, "expected one of mpii, "),
        (["data", "prepare", "lsp", ".", "-o", "d"], 1, ". lacks images, a part of Leeds"),
        (["walk"], 2, "No such command"),
    ],
)
def test_wrong_calls_end_with_one_line_and_their_code(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = lmk(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir()), "nothing may be left behind"


def test_train_survives_kill_9_then_exports_and_runs(
    foxes: Path, core_model, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    train = ["train", "--images", foxes, "--core", core_model.folder, "-o", run, "--keypoints", 4]
    train += ["--batch-size", 2, "--steps", 100000, "--precision", "fp32"]
    first = lmk(*train, "--max-minutes", 0.05)
    assert first.returncode == 0, first.stderr
    assert "go on with --resume" in first.stderr
    before = (run / CHECKPOINT).read_bytes()

    command = [sys.executable, "-m", "lmk", *map(str, train), "--resume"]
    killed = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert killed.stderr is not None
    for line in killed.stderr:
        if "parameters of the detector learnable" in line:
            break
    time.sleep(2)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert (run / CHECKPOINT).read_bytes() == before

    again = lmk(*train, "--max-minutes", 0.05)
    assert again.returncode == 1
    assert "add --resume" in again.stderr
    third = lmk(*train, "--max-minutes", 0.05, "--resume")
    assert third.returncode == 0, third.stderr

    exported = lmk("export", run, "-o", tmp_path / "out", "--heatmaps")
    assert exported.returncode == 0, exported.stderr
    assert "landmarks against the torch network" in exported.stdout
    picture = tmp_path / "fox.png"
    cv2.imwrite(str(picture), draw(1, seed=5)[0][0])
    done = lmk("run", picture, "--model", run, "-o", tmp_path / "drawn.png", "--no-show",
               env={**os.environ, "LMK_CACHE": str(tmp_path / "cache")})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert cv2.imread(str(tmp_path / "drawn.png")) is not None
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_pretrain_makes_a_core_and_measures_it(tmp_path: Path) -> None:
    from lmk.data.synthetic import NAMES

    crops, xy_crop = draw(4, seed=1)
    names = [{"scarf": "neck", "nose": "head_top"}.get(name, name) for name in NAMES]
    file = write_keypoints(tmp_path, crops, xy_crop, names)
    run = tmp_path / "run"
    done = lmk(
        "pretrain", "--data", file, "--val", file, "-o", run, "--steps", 2, "--batch-size", 2
    )
    assert done.returncode == 0, done.stderr
    assert "PCKh@0.5" in done.stderr
    shown = lmk("models", "show", run, "--json")
    assert '"kind": "network"' in shown.stdout
    assert '"head_top"' in shown.stdout

    on = lmk("pretrain", "--config", run, "--core", run, "-o", tmp_path / "on", "--steps", 1)
    assert on.returncode == 0, on.stderr
    config = {
        path.name: yaml.safe_load((path / "config.yaml").read_text())
        for path in (run, tmp_path / "on")
    }
    assert (config["run"]["data"], config["run"]["core"]) == (str(file), None)
    assert config["on"] == {**config["run"], "core": str(run), "steps": 1}


def write_keypoints(folder: Path, crops, xy_crop, names: list[str]) -> Path:
    import json

    images, annotations = [], []
    for i, (crop, xy) in enumerate(zip(crops, xy_crop, strict=True)):
        cv2.imwrite(str(folder / f"{i}.png"), crop[:, :, ::-1])
        flat = [value for x, y in xy.tolist() for value in (x, y, 2)]
        images.append({"id": i, "file_name": f"{i}.png"})
        annotations.append({"id": i, "image_id": i, "keypoints": flat})
    file = folder / "set.json"
    categories = [{"id": 1, "keypoints": names}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    file.write_text(json.dumps(content))
    return file
