"""An output is whole, of one kind, and continued; inputs that cannot be used end nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

from label_inputs import (
    MODEL,
    SETTINGS,
    encoded,
    expected,
    pictures,
    read_labels,
    write_folder,
    write_table,
    write_tar,
    xy_of,
)
from named_models import NAMES, named_folder

import lmk
from lmk.inference.rounds import ModelError
from lmk.labelling.find import ObjectFinder
from lmk.labelling.inputs import read
from lmk.labelling.inputs.read import Decoded, read_batches
from lmk.labelling.inputs.shard import Input, Shard
from lmk.model.folder import Model, find_model
from lmk.system.errors import OutputError, UsageError, WeightsError
from lmk.system.lock import held


def label(folder: Path, **options):
    return lmk.label(
        folder / "in", folder / "out", MODEL, **{"rows_per_file": 50, **SETTINGS, **options}
    )


def modified(output: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in output.glob("part-*")}


def test_a_second_run_makes_only_what_is_missing(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 13)
    first = label(tmp_path)
    assert (first.parts, first.earlier, first.counts.inputs) == (3, 0, 13)
    rows, before = read_labels(tmp_path / "out"), modified(tmp_path / "out")
    lost = sorted(before)[1]
    (tmp_path / "out" / lost).unlink()
    (tmp_path / "out" / f".{lost}.0123.partial").write_bytes(b"half")
    second = label(tmp_path)
    assert (second.parts, second.earlier, second.counts) == (3, 2, first.counts)
    after = modified(tmp_path / "out")
    assert after.keys() == before.keys()
    assert [name for name in after if after[name] != before[name]] == [lost]
    assert read_labels(tmp_path / "out") == rows
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {*before, "manifest.json", "inputs.jsonl"}


def test_the_manifest_says_what_was_used_and_the_plan_which_part_has_what(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "in", 7)
    label(tmp_path)
    known = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert known["source"] == str(tmp_path / "in")
    assert known["settings"]["region"] == "center"
    assert known["settings"]["rows_per_file"] == 50
    assert (known["runtime"], known["landmarks"], known["parts"]) == ("onnxruntime", 10, 2)
    assert known["counts"] == {"inputs": 7, "objects": 7, "empty": 0, "errors": 0}
    assert (known["model"], known["model_sha256"]) == (MODEL, find_model(MODEL).sha256)
    lines = (tmp_path / "out" / "inputs.jsonl").read_text().splitlines()
    plan = {one["part"]: one["inputs"]["names"] for one in map(json.loads, lines)}
    assert sorted(name for names in plan.values() for name in names) == sorted(made)
    for row in read_labels(tmp_path / "out"):
        (part,) = [part for part, names in plan.items() if row["name"] in names]
        assert (tmp_path / "out" / part).exists()


def test_other_settings_and_other_inputs_are_refused_and_change_nothing(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 3)
    label(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    for options, words in (
        (
            {"region": "box:1,2,30,20"},
            "settings was {'region': 'center'}, and is now {'region': 'box",
        ),
        ({"rows_per_file": 60}, "'rows_per_file': 50"),
    ):
        with pytest.raises(UsageError, match=words):
            label(tmp_path, **options)
    with pytest.raises(UsageError, match="model was faces-tiny, and is now faces-small"):
        lmk.label(tmp_path / "in", tmp_path / "out", "faces-small", rows_per_file=50, **SETTINGS)
    (tmp_path / "in" / "new.png").write_bytes(encoded(pictures(2)["a/000.png"]))
    with pytest.raises(UsageError, match="inputs_sha256 was 1 files of inputs"):
        label(tmp_path)
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_an_output_of_others_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    with pytest.raises(UsageError, match=r"is not empty and has no manifest\.json"):
        label(tmp_path)
    (tmp_path / "out" / "manifest.json").write_text('{"schema_version": 1, "source": 3}')
    with pytest.raises(OutputError, match="is not a manifest that this version of lmk reads"):
        label(tmp_path)
    with (
        held(tmp_path / ".out.lock", tmp_path / "out"),
        pytest.raises(OutputError, match="in use by process"),
    ):
        label(tmp_path)


def test_inputs_that_cannot_be_used_are_rows_with_a_reason(tmp_path: Path) -> None:
    folder, made = tmp_path / "in", write_folder(tmp_path / "in", 4)
    (folder / "a" / "cut.png").write_bytes(encoded(pictures(2)["a/000.png"])[:900])
    (folder / "a" / "text.jpg").write_text("no picture")
    (folder / "t.parquet").write_bytes(b"PAR1 damaged")
    (folder / "v.mp4").write_bytes(b"no video")
    good = encoded(made["a/000.png"])
    write_table(
        folder / "u.parquet", [{"bytes": good, "path": "x"}, {"bytes": None, "path": "../y"}]
    )
    write_tar(folder / "w.tar", {"1.png": good, "2.png": good, "3.png": good})
    (folder / "w.tar").write_bytes((folder / "w.tar").read_bytes()[: len(good) * 2 + 1000])
    done = label(tmp_path)
    rows = read_labels(tmp_path / "out")
    reasons = {row["name"] or row["source"]: row["error"] for row in rows if row["error"]}
    for name, words in {
        "a/cut.png": "is not a picture that can be decoded",
        "a/text.jpg": "is not a picture of a known format",
        "t.parquet": "is not a Parquet file",
        "v.mp4": "cannot be opened",
        "../y": "row 1 has no image bytes, only a path",
        "w.tar": "damaged at 2.png",
    }.items():
        assert words in reasons[name]
    assert len(reasons) == done.counts.errors == 6
    assert done.counts.objects == 4 + 1 + 1
    assert done.counts.inputs == 6 + 6
    skipped = (tmp_path / "out" / "skipped.txt").read_text().splitlines()
    assert len(skipped) == 6
    assert any(line.startswith("v.mp4 at 0: ") for line in skipped)


def test_pictures_without_an_object_have_one_row(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 3)
    done = label(tmp_path, region="cascade:face")
    assert (done.counts.inputs, done.counts.empty, done.counts.objects) == (3, 3, 0)
    rows = read_labels(tmp_path / "out")
    assert len(rows) == 3
    for row in rows:
        assert {row[c] for c in ("id", "landmark", "x", "y", "score", "error")} == {None}


def test_one_picture_on_which_the_region_fails_costs_no_other_its_labels(tmp_path: Path) -> None:
    """A box that lies outside of the smaller picture."""
    (tmp_path / "in").mkdir()
    sizes = {"a.png": (60, 80), "b.png": (20, 30), "c.png": (61, 90)}
    for name, (height, width) in sizes.items():
        image = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
        (tmp_path / "in" / name).write_bytes(encoded(image))
    label(tmp_path, region="box:40,30,20,20")
    rows = read_labels(tmp_path / "out")
    assert [row["name"] for row in rows] == ["a.png"] * 10 + ["b.png"] + ["c.png"] * 10
    assert "lies outside a frame of 30 x 20" in rows[10]["error"]


def test_a_model_that_always_fails_ends_the_work() -> None:
    class Broken:
        point_names, num_landmarks, calls = (), 10, 0

        def __call__(self, _):
            Broken.calls += 1
            raise ModelError("no kernel")

    image = np.zeros((40, 50, 3), np.uint8)
    finder = ObjectFinder(Broken())
    four = [Decoded(i, 0.0, "", image) for i in range(4)]
    assert [labels.error for labels in finder.find(four)] == ["no kernel"] * 4
    with pytest.raises(WeightsError, match="failed 10 times in a row"):
        finder.find(3 * four)
    assert Broken.calls == 1 + 4 + 1 + 6


def test_few_pictures_are_in_memory_however_slow_the_model_is(monkeypatch) -> None:
    living, most = set[int](), 0

    def load(number: int) -> np.ndarray:
        nonlocal most
        image = np.empty((60, 50, 3), np.uint8).view(_Counted)
        living.add(number)
        weakref.finalize(image, living.discard, number)
        most = max(most, len(living))
        return image

    inputs = [Input(i, 0.0, "", partial(load, i)) for i in range(600)]
    monkeypatch.setattr(read.files, "read", lambda _: iter(inputs))
    count = 0
    for batch in read_batches(Shard("pictures", "", ("a",)), "image", threads=3):
        time.sleep(0.01)
        count += len(batch)
        del batch
    assert count == 600
    # Two batches that wait or are made, one that the model has, and four a thread ahead of them.
    assert 48 <= most <= 4 * read.BATCH + 3 * (read.AHEAD + 1)


class _Counted(np.ndarray):
    """An array that may be watched."""


def test_a_killed_process_leaves_whole_files_and_the_next_one_ends_the_work(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "in", 240)
    command = [
        sys.executable,
        "-m",
        "lmk",
        "label",
        str(tmp_path / "in"),
        "-o",
        str(tmp_path / "out"),
    ]
    command += [
        "-m",
        MODEL,
        "--region",
        "center",
        "--runtime",
        "onnxruntime",
        "--rows-per-file",
        "30",
    ]
    killed = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("out/part-*"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    there = modified(tmp_path / "out")
    assert 3 <= len(there) < 80
    assert {row["error"] for row in read_labels(tmp_path / "out")} == {None}  # all can be read
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"] is None
    done = label(tmp_path, rows_per_file=30)
    assert (done.parts, done.earlier) == (80, len(there))
    assert there.items() <= modified(tmp_path / "out").items()
    rows = read_labels(tmp_path / "out")
    assert sorted((row["name"], row["landmark"]) for row in rows) == sorted(
        (name, k) for name in made for k in range(10)
    )
    by_name = sorted(rows, key=lambda row: (row["name"], row["landmark"]))
    np.testing.assert_allclose(xy_of(by_name)[::40], expected([*made.values()][::40]), atol=2e-3)


def test_named_points_are_the_rows_of_a_model_that_has_them(
    tmp_path: Path, student_model: Model
) -> None:
    made = write_folder(tmp_path / "in", 3)
    model = str(named_folder(student_model, tmp_path / "named"))
    lmk.label(tmp_path / "in", tmp_path / "out", model, **SETTINGS)
    found = lmk.Landmarker(model, **SETTINGS)([*made.values()])
    rows = read_labels(tmp_path / "out")
    assert [row["point"] for row in rows] == [*NAMES] * 3
    assert [row["landmark"] for row in rows] == [0, 1, 2] * 3
    xy = np.array([(row["x"], row["y"]) for row in rows], np.float32).reshape(3, 3, 2)
    np.testing.assert_allclose(xy, found.points, atol=2e-3)
    scores = np.array([row["score"] for row in rows], np.float32).reshape(3, 3)
    np.testing.assert_allclose(scores, found.score.mean(1)[:, None].repeat(3, 1), atol=1e-4)


def test_a_precision_is_made_and_checked_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LMK_CACHE", str(tmp_path / "cache"))
    write_folder(tmp_path / "in", 2)
    label(tmp_path, precision="fp32")
    (made,) = (tmp_path / "cache").glob("label/*/faces-tiny.onnx.json")
    assert json.loads(made.read_text())["parity"]["max_px"] < 0.05
    first = made.stat().st_mtime_ns
    assert label(tmp_path, precision="fp32").earlier == 1
    assert made.stat().st_mtime_ns == first
    with pytest.raises(
        UsageError, match="--precision fp16: onnxruntime cannot compute in it on cpu"
    ):
        label(tmp_path, precision="fp16")
    with pytest.raises(UsageError, match="lmk export"):
        label(tmp_path, precision="int8")
    with pytest.raises(UsageError, match="Omit track"):
        label(tmp_path, region="track:center")


def test_labels_do_not_depend_on_what_lmk_bench_found_fastest_here(
    tmp_path: Path, monkeypatch
) -> None:
    write_folder(tmp_path / "in", 2)
    monkeypatch.setattr(
        "lmk.inference.backends.select.saved_choice", lambda *_: pytest.fail("was asked for")
    )
    label(tmp_path, runtime="auto")
    known = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert known["runtime"] in ("openvino", "onnxruntime")
    assert known["settings"]["device"] == "cpu"


def test_a_tar_whose_header_claims_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    """A name of 8 GB, as GNU's tar writes names longer than a header: a size with a binary mark."""
    (tmp_path / "in").mkdir()
    good = encoded(pictures(2)["a/000.png"])
    write_tar(tmp_path / "in" / "a.tar", {"1.png": good, "2.png": good})
    data = bytearray((tmp_path / "in" / "a.tar").read_bytes())
    start = 512 + -(-len(good) // 512) * 512  # of the second header
    data[start + 124 : start + 136] = b"\x80" + (8 << 30).to_bytes(11, "big")
    data[start + 156 : start + 157] = b"L"
    data[start + 148 : start + 156] = b" " * 8
    data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    (tmp_path / "in" / "a.tar").write_bytes(data)
    done = label(tmp_path)
    assert (done.counts.inputs, done.counts.errors) == (2, 1)
    rows = read_labels(tmp_path / "out")
    assert [row["error"] is None for row in rows] == [True] * 10 + [False]
    assert "a header of 8,589,934,592 bytes" in rows[-1]["error"]
