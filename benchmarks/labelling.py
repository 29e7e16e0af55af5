"""How much of the bare model's speed does lmk label keep?

python benchmarks/labelling.py [--model faces-small] [--runtime onnxruntime] [--pictures 2000]
    [--json FILE] [--plot FILE]

The pictures are crops of the demo's portrait, shifted and turned a little, as JPEGs of 160 x 160
pixels, each filled by its object: --region center. "bare model" is the runtime alone on crops that
are in memory, 16 at once; "decoded" adds a Landmarker's crops; the others are lmk label from a
folder, a tar and Parquet, listing, decoding and writing included. They take turns; the first is
warm-up. Ratios are to the bare model.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from output import bar_rows, finish, parse, print_rows

import lmk
from lmk.arrays import Image
from lmk.bench.record import StartState, make_record
from lmk.data.photograph import photograph
from lmk.inference.crops import cut_crops
from lmk.labelling.inputs.read import BATCH
from lmk.system.errors import LmkError
from lmk.system.logged import LogReporter
from lmk.system.opencv import cv2

ROUNDS = 4
SIDE = 160
FACE_XYWH = (165.5, 62.0, 118.0, 118.0)


def make_pictures(count: int) -> list[Image]:
    """Crops, uint8 BGR (SIDE, SIDE, 3), all different."""
    random = np.random.default_rng(0)
    moves = random.normal(0, 4, (count, 2))
    angles = random.uniform(-10, 10, count)
    boxes = np.tile([*FACE_XYWH, 0.0], (count, 1))
    boxes[:, :2] += moves
    boxes[:, 4] = angles
    return [crop[..., ::-1].copy() for crop in cut_crops(photograph(), boxes, SIDE)[0]]


def write_sources(folder: Path, pictures: list[Image]) -> dict[str, Path]:
    """The pictures in every form, by its name."""
    import pyarrow
    from pyarrow import parquet

    encoded = [bytes(cv2.imencode(".jpg", image)[1]) for image in pictures]
    sources = {name: folder / name for name in ("folder", "pictures.tar", "pictures.parquet")}
    sources["folder"].mkdir()
    with tarfile.open(sources["pictures.tar"], "w") as tar:
        for number, data in enumerate(encoded):
            name = f"{number:06}.jpg"
            (sources["folder"] / name).write_bytes(data)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    table = pyarrow.table({"image": pyarrow.array(encoded, pyarrow.binary())})
    parquet.write_table(table, sources["pictures.parquet"], row_group_size=500)
    return sources


def contenders(given: argparse.Namespace, folder: Path) -> dict[str, Callable[[], object]]:
    """What is measured: functions that process all pictures once."""
    pictures = make_pictures(given.pictures)
    landmarker = lmk.Landmarker(given.model, given.runtime, region="center")
    side = landmarker.backend.input_size
    crops = np.stack([cv2.resize(image[..., ::-1], (side, side)) for image in pictures])
    starts = range(0, len(pictures), BATCH)

    def label(source: Path) -> None:
        shutil.rmtree(folder / "out", ignore_errors=True)
        options = {"region": "center", "runtime": given.runtime, "report": LogReporter()}
        lmk.label(source, folder / "out", given.model, **options)

    def run_of(source: Path) -> Callable[[], object]:
        return lambda: label(source)

    return {
        "bare model": lambda: [landmarker.backend.infer(crops[i : i + BATCH]) for i in starts],
        "decoded": lambda: [landmarker(pictures[i : i + BATCH]) for i in starts],
        **{name: run_of(source) for name, source in write_sources(folder, pictures).items()},
    }


def measure(given: argparse.Namespace) -> list[dict[str, Any]]:
    """One row per contender, with its median."""
    with TemporaryDirectory() as folder:
        runs = contenders(given, Path(folder))
        times_s: dict[str, list[float]] = {name: [] for name in runs}
        for turn in range(ROUNDS + 1):
            for name, run in runs.items():
                start_s = time.perf_counter()
                run()
                if turn:
                    times_s[name].append(time.perf_counter() - start_s)
    rates = {name: given.pictures / median(took) for name, took in times_s.items()}
    bare = rates["bare model"]
    return [{"name": n, "pictures_per_s": rate, "ratio": rate / bare} for n, rate in rates.items()]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="faces-small")
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--pictures", type=int, default=2000)
    given = parse(parser)
    start = StartState()
    rows = measure(given)
    heads = {"name": "", "pictures_per_s": "pictures per s", "ratio": "of the bare model"}
    print_rows(rows, heads)
    settings = {"model": given.model, "runtime": given.runtime, "pictures": given.pictures}
    record = make_record("labelling", start, settings, rows)
    bars = [(str(row["name"]), float(row["pictures_per_s"])) for row in rows]
    finish(record, bar_rows(bars, "pictures per second"), given)


if __name__ == "__main__":
    try:
        main()
    except LmkError as error:
        sys.exit(f"error: {error}")
