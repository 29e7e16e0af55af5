"""What does each file format cost, and what does it keep? Size, time, drift, errors.

python benchmarks/formats.py --data data/aflw/test.json --photographs PHOTOGRAPHS
    [--models faces,faces-small] [--pictures 1000] [--seconds 3] [--json FILE] [--plot FILE]

Every model is exported in each format and precision that is a single model's file. Drift is how far
its landmarks are from the network's in the photographs, on which int8 is calibrated, too. Errors
are those of the exported file itself, five-fold, on some of the annotated pictures. Times are of
one picture, and alternate.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from output import bar_rows, finish, parse, print_rows
from turns import Call, Contender, in_turns

import lmk
from lmk.artifact.catalogue import FORMATS, Format
from lmk.bench.record import StartState, make_record
from lmk.inference.backends.select import open_backend
from lmk.system.errors import LmkError
from lmk.system.files import size_of

OF_OTHERS = ("web", "triton")  # folders around an ONNX file
METRICS = ("forward", "consistency")
Row = dict[str, Any]


def cases() -> list[tuple[Format, str]]:
    """Formats and precisions to measure; engines are measured by tools/gpu-check.sh."""
    files = [one for one in FORMATS.values() if not one.engine and one.name not in OF_OTHERS]
    return [(one, precision) for one in files for precision in one.precisions]


def some(data: Path, count: int, folder: Path) -> Path:
    """A COCO file in `folder` with at most that many pictures of another one, drawn with seed 0."""
    content = json.loads(data.read_text())
    images = content["images"]
    chosen = random.Random(0).sample(images, min(count, len(images)))
    (folder / "set").symlink_to(data.parent.resolve())  # a COCO file names pictures below it
    for image in chosen:
        beside = Path("set", image["file_name"])
        found = beside if (folder / beside).exists() else Path("set/images", image["file_name"])
        image["file_name"] = str(found)
    kept = {image["id"] for image in chosen}
    annotations = [each for each in content["annotations"] if each["image_id"] in kept]
    file = folder / "some.json"
    file.write_text(json.dumps(content | {"images": chosen, "annotations": annotations}))
    return file


def exported(model: str, kind: Format, precision: str, folder: Path, photographs: Path) -> Row:
    """Write and check one file: where it is, its size and drift, or `why_not`."""
    row: Row = {"model": model, "format": kind.name, "precision": precision}
    try:
        made = lmk.export(
            model,
            folder,
            kind.name,
            precision,
            calibration_data=photographs if precision == "int8" else None,
            verify_data=photographs,
        )
    except LmkError as error:
        return row | {"why_not": str(error).splitlines()[0]}
    sizes = (size_of(folder / name) for name in made.provenance.files)
    row |= {"file": str(made.path), "mb": sum(sizes) / 1e6}
    if made.parity:
        row |= {"drift_px": made.parity.mean_px, "largest_px": made.parity.max_px}
    return row


def errors(file: str, runtime: str, data: Path) -> Row:
    """The figures of METRICS of an exported file."""
    results = lmk.evaluate(file, data, metrics=METRICS, draws=1, runtime=runtime)
    figures = {figure.name: figure.value for figure in results.evaluations[0].figures()}
    return {"forward": figures["forward error"], "consistency": figures["consistency"]}


def opened(file: str, runtime: str) -> Call:
    return open_backend(file, runtime).infer


def measure(given: argparse.Namespace, folder: Path) -> list[Row]:
    """A row per model, format and precision."""
    rows, contenders = [], dict[str, Contender]()
    data = some(given.data, given.pictures, folder)
    for model in given.models.split(","):
        for kind, precision in cases():
            row = exported(model, kind, precision, folder, given.photographs)
            rows.append(row)
            if "file" not in row:
                continue
            if not kind.runtimes:
                row["why_not"] = "lmk does not run it"
                continue
            runtime = kind.runtimes[0]
            row |= errors(row["file"], runtime, data)
            contenders[name_of(row)] = (opened, (row["file"], runtime))
    times = in_turns(contenders, given.seconds)
    return [row | times.get(name_of(row), {}) for row in rows]


def name_of(row: Row) -> str:
    return f"{row['model']}, {row['format']} {row['precision']}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="faces,faces-small", help="with commas")
    parser.add_argument("--data", type=Path, required=True, help="annotated pictures")
    parser.add_argument("--photographs", type=Path, required=True, help="for drift and int8")
    parser.add_argument("--pictures", type=int, default=1000, help="how many of the annotated ones")
    parser.add_argument("--seconds", type=float, default=3, help="measuring time per row")
    given = parse(parser)
    start = StartState()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(given, Path(folder))
    heads = {"model": "", "format": "", "precision": "", "mb": "MB", "p50": "p50 ms"}
    heads |= {"drift_px": "drift px", "largest_px": "largest px"}
    heads |= {"forward": "forward %", "consistency": "consistency px", "why_not": "why not"}
    print_rows(rows, heads)
    settings = {"models": given.models, "pictures": given.pictures, "seconds": given.seconds}
    chart = bar_rows([(name_of(row), row["p50"]) for row in rows if "p50" in row], "median ms")
    kept = [{key: value for key, value in row.items() if key != "file"} for row in rows]
    finish(make_record("formats", start, settings, kept), chart, given)


if __name__ == "__main__":
    main()
