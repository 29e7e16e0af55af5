from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import FRAMES, dots_at, read_clip, save_clip
from colour_detector import dots_image, save_detector
from pyarrow import parquet

from lmk.cli import main
from lmk.data.photograph import FACE_XY, photograph
from lmk.geometry import boxes_of_crops
from lmk.system import interrupt
from lmk.video.context import RunContext
from lmk.video.open_models import model_names
from lmk.video.outputs import Outputs, run_into
from lmk.video.pipeline import Summary


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "lmk", "run", *map(str, arguments)]


def lmk_run(*arguments: object) -> subprocess.CompletedProcess[str]:
    # As after a lost connection of ssh -X: the window library would end the process.
    headless = {**os.environ, "DISPLAY": "localhost:97"}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=60, env=headless
    )


def test_run_writes_video_and_json_and_says_where(
    clip: Path, detector: Path, tmp_path: Path
) -> None:
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    options = ("--model", detector, "-o", out, "-o", lines, "--no-show")
    done = lmk_run(clip, *options, "--region", "box:3.5,-10,150,150", "--no-smooth")
    assert done.returncode == 0, done.stderr
    assert f"{FRAMES} frames at " in done.stdout
    assert f"wrote {out}" in done.stdout
    assert f"wrote {lines}" in done.stdout
    assert "3 landmarks, OpenVINO" in done.stderr
    assert len(read_clip(out)) == FRAMES
    found = [json.loads(line)["objects"][0] for line in lines.read_text().splitlines()]
    assert found[0]["box"] == [3.5, -10, 150, 150]
    for index, one in enumerate(found):
        np.testing.assert_allclose(one["landmarks"], dots_at(index), atol=0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_run_draws_on_an_image(detector: Path, tmp_path: Path) -> None:
    xy = np.array([[60.0, 30.0], [75.0, 52.0], [90.0, 40.0]])
    cv2.imwrite(str(tmp_path / "in.png"), dots_image((150, 80), xy, sigma=3))
    lines = tmp_path / "out.jsonl"
    options = ("-o", tmp_path / "out.png", "-o", lines, "--runtime", "onnxruntime")
    done = lmk_run(tmp_path / "in.png", "--model", detector, *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("no display was found") == 1
    assert "ONNX Runtime" in done.stderr
    assert cv2.imread(str(tmp_path / "out.png")).shape == (80, 150, 3)
    found = json.loads(lines.read_text())["objects"][0]
    assert found["box"] == boxes_of_crops([35, 0, 80, 80])[0].tolist()
    np.testing.assert_allclose(found["landmarks"], xy, atol=0.1)


def test_pictures_are_searched_by_the_models_own_finder(tmp_path: Path) -> None:
    portrait = photograph()
    left = np.pad(portrait, ((0, 0), (0, 300), (0, 0)))  # its face is not in the middle
    for name, picture in {"a": left, "b": np.full((90, 120, 3), 99, np.uint8)}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    lines = tmp_path / "out.jsonl"
    done = lmk_run(tmp_path, "--model", "faces", "--no-show", "-o", lines)
    assert done.returncode == 0, done.stderr
    assert "no objects were found in 1 frame: --region center uses" in done.stdout
    face, nothing = (json.loads(line)["objects"] for line in lines.read_text().splitlines())
    assert nothing == []
    assert len(face) == 1
    centre = np.mean(face[0]["landmarks"], axis=0)
    np.testing.assert_allclose(centre, FACE_XY, atol=25)


def test_two_clips_and_two_models_go_through_every_kind_of_file(
    clip: Path, detector: Path, tmp_path: Path
) -> None:
    other, second = save_clip(tmp_path / "other.mkv"), save_detector(tmp_path / "second.onnx")
    places = [tmp_path / name for name in ("videos", "rows.csv", "lines.jsonl", "rows.parquet")]
    outputs = [word for place in places for word in ("-o", place)]
    models = ("--model", detector, "--model", second)
    look = ("--region", "box:3.5,-10,150,150", "--no-smooth", "--draw", "boxes,ids,trails,times")
    done = lmk_run(clip, other, *models, *look, *outputs, "--no-show")
    assert done.returncode == 0, done.stderr
    assert f"{2 * FRAMES} frames at " in done.stdout
    assert {path.name: len(read_clip(path)) for path in places[0].iterdir()} == {
        "dots.mp4": FRAMES,
        "other.mp4": FRAMES,
    }
    lines = [json.loads(line) for line in places[2].read_text().splitlines()]
    for line in lines:
        assert [(one["model"], one["id"]) for one in line["objects"]] == [
            ("dots", 1),
            ("second", 1),
        ]
        for one in line["objects"]:
            np.testing.assert_allclose(one["landmarks"], dots_at(line["frame"]), atol=0.05)
    assert {line["source"] for line in lines} == {str(clip), str(other)}
    rows = list(csv.DictReader(places[1].open()))
    assert len(rows) == 2 * FRAMES * 2 * 3
    table = parquet.read_table(places[3])
    assert [float(row["x"]) for row in rows] == pytest.approx(table["x"].to_pylist(), abs=1e-3)


def test_sources_are_read_from_a_file_and_a_truncated_one_is_told(
    clip: Path, detector: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    (tmp_path / "sources.txt").write_text(f"# two of them\n{clip}\n\n  {cut}  \n")
    lines = tmp_path / "out.jsonl"
    options = ("--model", detector, "--region", "center", "-o", lines, "--no-show")
    done = lmk_run("--source-file", tmp_path / "sources.txt", *options)
    assert done.returncode == 0, done.stderr
    sources = [json.loads(line)["source"] for line in lines.read_text().splitlines()]
    assert sources.count(str(clip)) == FRAMES
    read = sources.count(str(cut))
    assert 0 < read < FRAMES - 2
    assert f"warning: {cut} ended after {read} of about {FRAMES} frames" in done.stderr


def test_models_are_called_by_their_folder_or_file(tmp_path: Path) -> None:
    for name in ("mugs-0.1", "mugs-0.2"):
        (tmp_path / name).mkdir()
    models = [str(tmp_path / name) for name in ("mugs-0.1", "mugs-0.2", "cups.onnx", "a.adapter")]
    assert list(model_names([*models, "faces"])) == ["mugs-0.1", "mugs-0.2", "cups", "a", "faces"]


def test_interrupt_keeps_what_was_written(detector: Path, tmp_path: Path) -> None:
    # A folder of many pictures takes long enough to be interrupted on the way.
    (tmp_path / "in").mkdir()
    picture = np.full((700, 900, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "in" / "0000.png"), picture)
    for index in range(1, 400):
        (tmp_path / "in" / f"{index:04}.png").symlink_to(tmp_path / "in" / "0000.png")
    out = tmp_path / "out"
    options = ("-o", out, "-o", tmp_path / "out.jsonl", "--no-show")
    process = subprocess.Popen(
        command(tmp_path / "in", "--model", detector, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not (out / "0003.png").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert stderr.endswith("interrupted\n")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert 4 <= len(lines) < 400
    assert f"{len(lines)} frames at " in stdout
    assert len(list(out.iterdir())) == len(lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_ends_a_live_run_that_waits_and_its_recording_plays(
    detector: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """The program that sends frames has fallen silent, and its pipe stays open."""
    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    process = subprocess.Popen(
        command("-", "--model", detector, "-o", out, "-o", lines, "--no-show"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # which nohup ignores
    )
    _, jpeg = cv2.imencode(".jpg", np.full((72, 90, 3), 90, np.uint8))
    deadline = time.monotonic() + 30
    sent = 0
    while time.monotonic() < deadline and (not lines.exists() or lines.read_text().count("\n") < 3):
        process.stdin.write(jpeg.tobytes())
        process.stdin.flush()
        sent += 1
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 128 + number, stderr
    written = lines.read_text().count("\n")
    assert 3 <= written <= sent
    assert len(read_clip(out)) == written
    assert f"{written} frames at " in stdout.decode()


@pytest.mark.parametrize(("by_signal", "code"), [(True, 128 + signal.SIGTERM), (False, 1)])
def test_a_run_that_ends_before_its_first_frame_says_what_is_not_written(
    clip: Path, detector: Path, tmp_path: Path, monkeypatch, capsys, by_signal: bool, code: int
) -> None:
    def ended(outputs: Outputs, sources, models, context: RunContext) -> Summary:
        if by_signal:  # the handler alone, for the reason that tests/training/test_loop.py gives
            signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)
        else:  # as the key q does
            context.controls.stop.set()
        return run_into(outputs, sources, models, context)

    out, lines = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    out.write_bytes(b"earlier")
    arguments = command(clip, "--model", detector, "-o", out, "-o", lines, "--no-show")[2:]
    monkeypatch.setattr(interrupt, "_ended_by", None)
    monkeypatch.setattr("lmk.video.outputs.run_into", ended)
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == code
    stdout, stderr = (" ".join(text.split()) for text in capsys.readouterr())
    assert f"wrote {lines}" in stdout
    assert f"wrote {out}" not in stdout
    assert "out.mp4 not written: the run ended before its first frame" in stderr
    assert out.read_bytes() == b"earlier"


CASES = {
    "missing file": (1, ["none.mp4"], "no file or folder"),
    "empty video": (1, ["empty.mp4"], "cannot be opened"),
    "cut video": (1, ["cut.mp4"], "cannot be opened"),
    "empty image": (1, ["empty.png"], "not a picture"),
    "folder without images": (1, ["folder"], "no images"),
    "no camera": (1, ["webcam:97"], "plug it in"),
    "no stream": (1, ["http://u:p@127.0.0.1:9/a"], "stream http://***@127.0.0.1:9/a refuses the"),
    "no source": (2, [], "expected a SOURCE, or --source-file FILE"),
    "no file of sources": (2, ["--source-file", "none.txt"], "none.txt: No such file"),
    "camera name": (2, ["webcam:front"], "webcam:NUMBER"),
    "box": (2, ["clip.mkv", "--region", "box:1,2,3"], "box:X,Y,W,H"),
    "box without area": (2, ["clip.mkv", "--region", "box:1,2,0,3"], "width > 0"),
    "box elsewhere": (2, ["clip.mkv", "--region", "box:999,0,9,9"], "outside a frame of"),
    "runtime": (2, ["clip.mkv", "--runtime", "tflite"], "onnxruntime"),
    "output kind": (2, ["clip.mkv", "-o", "out.png"], "goes into a .mp4 file"),
    "output is source": (2, ["clip.mkv", "-o", "clip.mkv"], "clip.mkv: choose another path"),
    "output address": (
        2,
        ["clip.mkv", "-o", "fake://host/topic"],
        ".jsonl, .csv, .json, .parquet, .mp4",
    ),
    "model": (1, ["clip.mkv", "--model", "cut.onnx"], "not a valid ONNX file"),
    "model missing": (1, ["clip.mkv", "--model", "none.onnx"], "none.onnx"),
    "output folder": (2, ["clip.mkv", "-o", "folder"], "goes into a .mp4 file"),
    "region": (2, ["clip.mkv", "--region", "nose"], "or track: before one of these"),
    "words to draw": (2, ["clip.mkv", "--draw", "boxes,hats"], "expected some of boxes"),
    "a source twice": (2, ["clip.mkv", "clip.mkv"], "different sources"),
    "a model's name twice": (2, ["clip.mkv", "-m", "dots.onnx"], "models with different names"),
    "a picture and a video": (2, ["clip.mkv", "good.png"], "cannot be in one run"),
    "page of a picture": (2, ["good.png", "--serve", "0"], "--serve is for cameras"),
    "token without page": (2, ["clip.mkv", "--token", "abc"], "--token has no effect here"),
    "search without tracking": (
        *(2, ["clip.mkv", "--region", "center", "--search", "9"]),
        "it is for --region track:WORD",
    ),
    "what to find, in the centre": (
        *(2, ["clip.mkv", "--find-min-size", "0.3"]),
        "are for a search by landmarks",
    ),
    "size to find": (2, ["clip.mkv", "--find-min-size", "0"], "a share of the frame's shorter"),
    "threshold": (2, ["clip.mkv", "--find-threshold", "1"], "between 0 and 1, such as 0.95"),
    "angles": (2, ["clip.mkv", "--find-angles", "left"], "degrees with commas"),
    "angle": (2, ["clip.mkv", "--find-angles", "0,270"], "from -180 to 180"),
    "time to find, in pictures": (2, ["good.png", "--find-ms", "9"], "cameras and videos"),
    "cutoff without filter": (
        2,
        ["clip.mkv", "--no-smooth", "--cutoff", "3"],
        "it is for --smooth",
    ),
    "hold of a picture": (2, ["good.png", "--hold", "2"], "it is for cameras and videos"),
    "page": (2, ["clip.mkv", "--serve", "home"], "[HOST:]PORT"),
    "nothing to follow": (2, ["clip.mkv", "--region", "track:center"], "cannot be tracked"),
    "cuda": (4, ["clip.mkv", "--device", "cuda"], "CUDAExecutionProvider"),
}


@pytest.mark.parametrize(("code", "arguments", "words"), CASES.values(), ids=CASES)
def test_bad_input_is_one_line_with_its_exit_code(
    tmp_path: Path, clip: Path, detector: Path, code: int, arguments: list[str], words: str
) -> None:
    if "cuda" in arguments:
        import onnxruntime

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            pytest.skip("this machine's ONNX Runtime has CUDA")
    (tmp_path / "folder").mkdir()
    whole = save_clip(tmp_path / "cut.mp4").read_bytes()
    contents = {
        "empty.mp4": b"",
        "cut.mp4": whole[: len(whole) // 2],
        "empty.png": b"",
        "good.png": cv2.imencode(".png", np.zeros((9, 7, 3), np.uint8))[1].tobytes(),
        "clip.mkv": clip.read_bytes(),
        "cut.onnx": detector.read_bytes()[:300],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    local = {"folder", "none.mp4", "none.onnx", "out.png", *contents}
    given = [str(tmp_path / a) if a in local else a for a in arguments]
    model = [] if "--model" in given else ["--model", str(detector)]
    done = lmk_run(*given, *model, "--no-show")
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if "--runtime" not in arguments:  # Typer's own frame round a wrong choice has more lines
        errors = [line for line in done.stderr.splitlines() if "landmarks, OpenVINO" not in line]
        assert len(errors) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "clip.mkv").read_bytes() == clip.read_bytes()
