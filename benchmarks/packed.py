"""Memory and reading rate of packed sets of two sizes, against the array in memory, in one run.

python benchmarks/packed.py [--count 200000] [--size 64] [--batch-size 48] [--folder DIR]

The sets are JPEG files, links to 300 drawn foxes. They are packed as by `lmk data pack`, with every
file decoded, and read in random batches. Each is measured in separate processes, on Linux.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.console import Console
from rich.table import Table

from lmk.data.pack import pack
from lmk.data.packed import CROPS, Crops, open_packed
from lmk.data.synthetic import draw
from lmk.system.progress import Reporter

FOXES = 300
READ = 50_000


def generate(folder: Path, count: int, size: int) -> None:
    """Save foxes as JPEGs and link to them until there are `count` files."""
    folder.mkdir()
    for index, fox in enumerate(draw(min(FOXES, count), seed=0, size=size)[0]):
        Image.fromarray(fox).save(folder / f"{index:07}.jpg")
    for index in range(FOXES, count):
        os.link(folder / f"{index % FOXES:07}.jpg", folder / f"{index:07}.jpg")


def memory_mb(name: str) -> float:
    """Resident memory of this process in MB: VmRSS now, VmHWM the maximum."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1e3


def images_a_second(crops: Crops, batch_size: int) -> float:
    order: npt.NDArray[np.intp] = np.random.default_rng(1).permutation(len(crops))
    order = np.resize(order, READ)
    crops[order[:batch_size]]
    began = time.perf_counter()
    for start in range(0, READ, batch_size):
        crops[order[start : start + batch_size]]
    return READ / (time.perf_counter() - began)


def packing(photos: Path, packed: Path, size: int) -> dict[str, str]:
    """Pack a folder, and measure time and memory."""
    before, began = memory_mb("VmRSS"), time.perf_counter()
    crops = pack(photos, packed, Reporter(), size).crops
    seconds = time.perf_counter() - began
    return {
        "images": f"{len(crops):,}",
        "GB": f"{(packed / CROPS).stat().st_size / 1e9:.2f}",
        "MB before packing": f"{before:.0f}",
        "highest MB": f"{memory_mb('VmHWM'):.0f}",
        "packed/s": f"{len(crops) / seconds:,.0f}",
    }


def reading(packed: Path, batch_size: int) -> dict[str, str]:
    """Read 50,000 crops in random batches: from the packed set, and from memory."""
    before = memory_mb("VmRSS")
    crops = open_packed(packed).crops
    opened = memory_mb("VmRSS")
    rate = images_a_second(crops, batch_size)
    after = memory_mb("VmRSS")
    array = np.load(packed / CROPS)
    loaded = memory_mb("VmRSS")
    return {
        "MB before": f"{before:.0f}",
        "opened": f"{opened:.0f}",
        "read": f"{after:.0f}",
        "images/s": f"{rate:,.0f}",
        "array MB": f"{loaded:.0f}",
        "array images/s": f"{images_a_second(array, batch_size):,.0f}",
    }


def main(count: int, size: int, batch_size: int, folder: Path | None) -> None:
    rows = []
    alone = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        for number in (count // 10, count):
            photos, packed = (Path(name) / f"{kind}-{number}" for kind in ("photos", "packed"))
            generate(photos, number, size)
            with alone.Pool(1, maxtasksperchild=1) as pool:
                rows.append(
                    pool.apply(packing, (photos, packed, size))
                    | pool.apply(reading, (packed, batch_size))
                )
    table = Table("", *(row["images"] for row in rows), box=None)
    for title in list(rows[0])[1:]:
        table.add_row(title, *(row[title] for row in rows))
    console = Console()
    console.print(
        f"{platform.machine()}, {os.cpu_count()} cores, crops of {size} x {size} px, "
        f"batches of {batch_size}"
    )
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=48)
    parser.add_argument("--folder", type=Path, help="for some GB of temporary files")
    given = parser.parse_args()
    main(given.count, given.size, given.batch_size, given.folder)
