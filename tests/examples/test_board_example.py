"""The example for a small board is compiled, and finds what the Python runtime finds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import ports
import pytest
from named_models import NAMES, named_folder
from ports import Port, run, skip_or_fail

import lmk
from lmk.arrays import Image
from lmk.demo.clip import FPS, frames
from lmk.inference.backends.select import open_backend
from lmk.inference.regions.landmarks import LandmarkSearch
from lmk.inference.rounds import in_rounds
from lmk.model.folder import find_model
from lmk.video.filters.base import Smoothing
from lmk.video.result import Result
from lmk.video.sinks.jsonl import to_json
from lmk.video.sources.base import Frame
from lmk.video.tracker import Tracker, Tracking

BOARD = ports.EXAMPLES / "board"
FEWER_FPS = FPS / 4
TOLERANCES = {
    "landmarks": 0.25,  # pixels of 480; crops differ by roundings
    "box": 0.25,
    "angle": 0.25,
    "scores": 0.05,  # the share of one pixel of the heatmap
    "opacity": 0.02,
    "confidence": 0.01,
}
STRICT = ("-Wall", "-Wextra", "-Wshadow", "-Werror")
NEEDS_MORE = {"main", "network", "model", "json_lines", "options"}  # than a compiler


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Port:
    """The code of the board that needs no library."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        skip_or_fail("needs a C++ compiler (Debian: apt-get install g++)")
    program = tmp_path_factory.mktemp("port") / "answer"
    sources = [str(one) for one in (BOARD / "src").glob("*.cpp") if one.stem not in NEEDS_MORE]
    answer = str(Path(__file__).parent / "answer.cpp")
    options = ("-std=c++17", "-O1", *STRICT, f"-I{BOARD / 'src'}", "-o", str(program))
    done = run(str(compiler), *options, answer, *sources)
    assert done.returncode == 0, done.stderr.decode()
    return Port([str(program)])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, built as its README says."""
    if not shutil.which("cmake"):
        skip_or_fail("needs CMake (Debian: apt-get install cmake)")
    build = str(tmp_path_factory.mktemp("board"))
    flags = f"-DCMAKE_CXX_FLAGS={' '.join(STRICT)}"
    done = run("cmake", "-S", str(BOARD), "-B", build, flags)
    for package in ("ncnn", "nlohmann_json"):
        if f'provided by "{package}"' in done.stderr.decode():
            skip_or_fail(
                f"needs {package} where CMake finds it: see tools/examples/board/README.md"
            )
    assert done.returncode == 0, done.stderr.decode()
    done = run("cmake", "--build", build, "--parallel", "2")
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return f"{build}/landmarks"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported file with named points."""
    folder = tmp_path_factory.mktemp("models")
    named = named_folder(find_model("faces-small"), folder / "faces-named")
    return lmk.export(named, folder, "ncnn", reference="onnx").path


@pytest.fixture(scope="module")
def clip() -> list[Image]:
    return list(islice(frames(), 0, 100, 4))


def ppm(*images: Image) -> bytes:
    """The stream that `ffmpeg -f image2pipe -c:v ppm` writes."""
    heads = (b"P6\n%d %d\n255\n" % image.shape[1::-1] for image in images)
    return b"".join(
        head + image[:, :, ::-1].tobytes() for head, image in zip(heads, images, strict=True)
    )


@pytest.mark.parametrize("check", [ports.check_fits, ports.check_smoothing, ports.check_tracks])
def test_code_computes_what_python_computes(port: Port, check: Callable[[Port], None]) -> None:
    check(port)


def test_crops_are_those_of_python(port: Port, tmp_path: Path) -> None:
    ports.check_crops(port, tmp_path)


def test_constants_are_those_of_python() -> None:
    ports.check_constants((BOARD / "src" / "constants.h").read_text())
    defaults = (BOARD / "src" / "smoothing.h").read_text()
    for field, value in vars(Smoothing()).items():
        if isinstance(value, float):
            assert f"{field} = {value}" in defaults


@pytest.fixture(scope="module")
def expected(model: Path, clip: list[Image]) -> list[dict[str, Any]]:
    """The lines of the Python runtime, with the same file."""
    backend, lines = open_backend(str(model), threads=1), []
    options = backend.framing, Tracking(follow=True), Smoothing(), backend.points
    tracker = Tracker("faces-named", LandmarkSearch(), *options)
    for index, image in enumerate(clip):
        frame = Frame(index, index / FEWER_FPS, image)
        search = tracker.track(image, frame.time_s, smooth=True)
        objects = in_rounds(backend, [(image, search)])
        lines.append(to_json(Result(frame, "standard input", tuple(objects), image)))
    return lines


def test_lines_of_a_clip_are_those_of_python(
    program: str, model: Path, clip: list[Image], expected: list[dict[str, Any]]
) -> None:
    options = "--fps", str(FEWER_FPS), "--threads", "1"
    done = run(program, str(model), *options, given=ppm(*clip))
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(len(line["objects"]) for line in lines) > 20
    for line, other in zip(lines, expected, strict=True):
        assert list(line) == list(other)
        assert {**line, "objects": 0} == {**other, "objects": 0}
        for found, known in zip(line["objects"], other["objects"], strict=True):
            assert list(found) == list(known)
            assert (found["model"], found["id"]) == (known["model"], known["id"])
            for name, atol in TOLERANCES.items():
                values = found.get(name, 0), known.get(name, 0)
                np.testing.assert_allclose(*values, atol=atol, err_msg=name)
            assert tuple(found["points"]) == NAMES
            for name in NAMES:
                np.testing.assert_allclose(found["points"][name], known["points"][name], atol=0.5)


def broken(model: Path, folder: Path, edit: Callable[[str], str]) -> Path:
    """A copy of a model, its text edited."""
    path = folder / model.name
    path.write_text(edit(model.read_text()))
    shutil.copy(model.with_suffix(".bin"), folder)
    return path


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "ends without a frame"),
        (b"\xff\xd8\xff\xe0 a JPEG", "frame 0 is no binary PPM picture (P6)"),
        (b"P6\n64 64\n255\n" + bytes(64 * 63 * 3), "frame 0 is cut short"),
        (b"P6\n99999 99999\n255\n", "at most 16777216 pixels of 8 bits, got 99999 x 99999"),
        (b"P6\n8192 8192\n255\n", "at most 16777216 pixels of 8 bits, got 8192 x 8192"),
        (b"P6\n64 64\n65535\n", "with values to 65535"),
        (b"P6\n0 64\n255\n", "expected its width as 1 to 6 digits"),
        (b"P6\n-5 64\n255\n", "expected its width"),
        (b"P6\n64 12345678\n255\n", "expected its height"),
        (ppm(np.zeros((8, 9, 3), np.uint8), np.zeros((9, 8, 3), np.uint8)), "frame 1 is 8 x 9"),
    ],
)
def test_streams_that_are_damaged_are_refused(
    program: str, model: Path, given: bytes, said: str
) -> None:
    done = run(program, str(model), given=given)
    assert done.returncode == 1
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text[: text.rindex("# ")], "no metadata in its last line"),
        (lambda text: text[: len(text) // 2], "no metadata in its last line"),
        (lambda text: text[:-40] + "\n", "parse error"),
        (lambda text: text.replace('"1"', '"2"', 1), "another kind or version"),
        (lambda text: text.replace("images uint8 (B, 128", "images uint8 (B, 0"), "another kind"),
        (lambda text: text.replace('"framing"', '"other"'), "no framing"),
        (lambda text: text.replace(r"\"score\":0", r"\"score\":7"), "a number from 0"),
        (lambda text: text.replace('s": "10"', 's": "11"'), "another number of landmarks"),
        (lambda text: text.replace("Softmax", "Softmin"), "ncnn does not load"),
        (lambda text: text.replace("nose_tip", r"\\u0000") + "[" * 90_000, "parse error"),
    ],
)
def test_models_that_are_damaged_are_refused(
    program: str, model: Path, tmp_path: Path, edit: Callable[[str], str], said: str
) -> None:
    path = broken(model, tmp_path, edit)
    assert path.read_text() != model.read_text()
    done = run(program, str(path), given=ppm(np.zeros((48, 64, 3), np.uint8)))
    assert done.returncode == 1
    assert said in done.stderr.decode()


def test_weights_that_are_not_numbers_are_refused(
    program: str, model: Path, tmp_path: Path
) -> None:
    path = broken(model, tmp_path, str)
    weights = path.with_suffix(".bin")
    weights.write_bytes(np.full(weights.stat().st_size // 4, np.nan, np.float32).tobytes())
    with weights.open("r+b") as file:
        file.write(bytes(4))  # the first kernel is in float32
    done = run(program, str(path), given=ppm(np.zeros((48, 64, 3), np.uint8)))
    assert done.returncode == 1
    assert b"export" in done.stderr


def test_files_that_are_missing_are_named(program: str, model: Path, tmp_path: Path) -> None:
    done = run(program, str(tmp_path / "none.ncnn.param"))
    assert done.returncode == 1
    assert b"none.ncnn.param cannot be read" in done.stderr
    shutil.copy(model, tmp_path)
    done = run(program, str(tmp_path / model.name))
    assert done.returncode == 1
    assert b"faces-named.ncnn.bin is missing" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected a model"),
        (("a.param", "--fps"), "--fps: expected a number from 0.01"),
        (("a.param", "--fps", "-3"), "--fps: expected"),
        (("a.param", "--fps", "nan"), "--fps: expected"),
        (("a.param", "--min-size", "0.01"), "--min-size: expected"),
        (("a.param", "--camera", "0"), "unknown argument --camera"),
        (("a.param", "b.param"), "unknown argument b.param"),
    ],
)
def test_arguments_that_are_wrong_are_refused(
    program: str, arguments: tuple[str, ...], said: str
) -> None:
    done = run(program, *arguments)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert b"usage: landmarks" in done.stderr
