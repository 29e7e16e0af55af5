from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import yaml

from lmk.cli import main
from lmk.data.synthetic import draw

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

    assert any(seconds() < 0.5 for _ in range(15))  # other programs may disturb some


def test_help_lists_the_commands() -> None:
    done = lmk("--help")
    assert done.returncode == 0
    assert "Usage: python -m lmk [OPTIONS] COMMAND [ARGS]..." in done.stdout
    assert re.search(r"^│ adapter +Pack, verify and show adapters", done.stdout, re.MULTILINE)
    assert done.stderr == ""


def test_help_fills_lines_and_keeps_words_in_brackets() -> None:
    done = lmk("run", "--help")
    assert "onnx:FILE[#CLASS]" in " ".join(re.sub("[│╭╮╰╯─]", " ", done.stdout).split())
    (line,) = (line for line in done.stdout.splitlines() if "Cameras and streams" in line)
    assert len(line.rstrip()) > 65  # of 80


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "-o", "r"], 2, "either --images DIR or --data"),
        (
            ["train", "--images", "absent", "-o", "r", "--method", "scratch"],
            1,
            "absent does not exist: expected a",
        ),
        (["train", "--images", ".", "-o", "r", "--core", "absent"], 1, "unknown model 'absent'"),
        (["train", "--images", ".", "-o", "r", "--device", "cuda:7"], 4, "cuda:7 is not available"),
        (["pretrain", "-o", "r"], 2, "annotated pictures: add --data FILE"),
        (["pretrain", "--data", "absent.json", "-o", "r"], 1, "absent.json cannot be read"),
        (["pretrain", "--data", ".", "--core", "absent", "-o", "r"], 1, "unknown model 'absent'"),
        (["pretrain", "--data", ".", "-o", "r"], 1, "expected a COCO keypoint file, or a packed"),
        (["eval", "absent", "--data", "x.json"], 1, "unknown model 'absent'"),
        (["compare", "faces", "--data", "x"], 2, "at least two"),
        (["export", "absent", "-o", "d"], 1, "unknown model 'absent'"),
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
        (["fold", "core-pose", "absent.adapter", "-o", "d"], 1, "absent.adapter does not exist"),
        (["adapter", "pack", "core-pose", "-o", "x.adapter"], 2, "only adapters can be packed"),
        (["adapter", "show", "faces"], 2, "expected a .adapter file, got faces"),
        (["data", "verify", "."], 1, "make one with lmk data pack"),
        (["models", "show", "absent"], 1, "unknown model 'absent'"),
        (["data", "prepare", "lfw", ".", "-o", "d"], 2, "expected one of mpii, "),
    ],
)
def test_wrong_calls_end_with_one_line_and_their_code(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = lmk(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in " ".join(line.split())
    assert done.stdout == ""
    assert not list(tmp_path.iterdir()), "nothing may be left behind"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--images", ".", "-o", "r", "--keypoints", "0"], "value for '--keypoints'"),
        (["walk"], "No such command 'walk'"),
    ],
)
def test_words_that_no_command_takes_end_with_its_usage(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = lmk(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Usage: python -m lmk ")
    assert message in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.iterdir()), "nothing may be left behind"


def test_ctrl_c_says_so_and_ends_with_its_code(tmp_path: Path, monkeypatch, capfd) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lmk.data.drawn.write_foxes", interrupted)
    monkeypatch.setattr(sys, "argv", ["lmk", "data", "draw", "-o", str(tmp_path / "foxes")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capfd.readouterr() == ("", "interrupted\n")


def test_work_that_fails_ends_with_its_error(tmp_path: Path) -> None:
    done = lmk("data", "prepare", "lsp", ".", "-o", "d", cwd=tmp_path)
    assert done.returncode == 1
    *before, last = done.stderr.splitlines()
    assert before == ["reading the annotations of Leeds Sports Pose"]
    assert last.startswith("error: . lacks images, a part of Leeds Sports Pose")
    assert not list(tmp_path.iterdir()), "nothing may be left behind"


def test_a_run_is_stopped_resumed_exported_and_run(foxes: Path, core_model, tmp_path: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    environment = {**os.environ, "LMK_CACHE": str(cache)}
    train = ["train", "--images", foxes, "--core", core_model.folder, "-o", run, "--keypoints", 4]
    train += ["--batch-size", 2, "--steps", 100000, "--precision", "fp32", "--generator-width", 4]
    first = lmk(*train, "--max-minutes", 0.05)
    assert first.returncode == 0, first.stderr
    assert "continue with --resume" in first.stderr
    again = lmk(*train, "--max-minutes", 0.05)
    assert again.returncode == 1
    assert "add --resume" in again.stderr
    third = lmk(*train, "--max-minutes", 0.05, "--resume")
    assert third.returncode == 0, third.stderr

    exported = lmk("export", run, "-o", tmp_path / "out", "--heatmaps", env=environment)
    assert exported.returncode == 0, exported.stderr
    assert "landmarks against the torch network" in exported.stdout
    picture = tmp_path / "fox.png"
    cv2.imwrite(str(picture), draw(1, seed=5)[0][0])
    drawn = tmp_path / "drawn.png"
    done = lmk("run", picture, "--model", run, "-o", drawn, "--no-show", env=environment)
    assert done.returncode == 0, done.stderr
    assert cv2.imread(str(drawn)).shape == cv2.imread(str(picture)).shape
    assert len(list(cache.iterdir())) == 1


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


def test_names_in_errors_and_results_cannot_move_the_cursor(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\x1b[2J\ncaf\xe9.png")
    done = lmk("run", name, "-m", "faces", "--no-show", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(r"error: no file or folder at a\x1b[2J\x0acaf\xe9.png: expected")
    (tmp_path / name).write_bytes(cv2.imencode(".png", draw(1, seed=0)[0][0])[1].tobytes())
    done = lmk("data", "show", ".", "-o", f"{name}.png", cwd=tmp_path)
    assert done.stdout == "a\\x1b[2J\\x0acaf\\xe9.png.png  1 of 1 pictures\n"
    assert done.returncode == 0, done.stderr
