"""Pictures to label, in every form, and what the labels of each must be."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pyarrow
from pyarrow import parquet

from lmk.arrays import Image
from lmk.inference.landmarker import Landmarker

MODEL, SETTINGS = "faces-tiny", {"runtime": "onnxruntime", "region": "center"}


def pictures(count: int) -> dict[str, Image]:
    """Noise, uint8 BGR, of different sizes, none of them square, by names in order."""
    noise = np.random.default_rng(3)
    return {
        f"{'ab'[i * 2 // count]}/{i:03}.png": noise.integers(
            0, 256, (50 + i % 5, 70 + i % 3, 3), np.uint8
        )
        for i in range(count)
    }


def encoded(image: Image) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def write_folder(folder: Path, count: int) -> dict[str, Image]:
    made = pictures(count)
    for name, image in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encoded(image))
    return made


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def write_table(path: Path, cells: list, column: str = "image", group: int = 4) -> None:
    table = pyarrow.table({"label": range(len(cells)), column: cells})
    parquet.write_table(table, path, row_group_size=group)


def read_labels(output: Path) -> list[dict]:
    """All rows, ordered by source, number, object and landmark."""
    rows = [
        row
        for part in output.glob("part-*.parquet")
        for row in parquet.read_table(part).to_pylist()
    ]
    return sorted(rows, key=lambda r: (r["source"], r["frame"], r["id"] or 0, r["landmark"] or 0))


def expected(images: list[Image]) -> np.ndarray:
    """Landmarks (N, K, 2), one picture at a time."""
    landmarker = Landmarker(MODEL, **SETTINGS)
    return np.concatenate([landmarker(image).xy for image in images])


def xy_of(rows: list[dict]) -> np.ndarray:
    return np.array([(row["x"], row["y"]) for row in rows], np.float32).reshape(-1, 10, 2)
