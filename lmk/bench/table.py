"""The record of `lmk bench` as tables that fit a terminal of 100 columns."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from lmk.artifact.catalogue import RUNTIMES
from lmk.bench.bench import computed_precision
from lmk.bench.record import Record
from lmk.bench.stages import STAGES

WIDTH = 100
DISTURBED = "*"

Row = dict[str, Any]


def print_record(record: Record, console: Console) -> None:
    """Print all tables, then the conditions of the measurement."""
    rows = [row for row in record["rows"] if row["measured"]]
    absent = [row for row in record["rows"] if not row["measured"]]
    parts: list[RenderableType] = [_heading(record)]
    if rows:
        parts += [_latency(rows), _stages(rows), _throughput(rows), _costs(rows)]
    if absent:
        parts.append(_absent(absent))
    spaced = [piece for part in parts for piece in (part, Text())]
    console.print(Group(*spaced, *_notes(record)), width=min(console.width, WIDTH))


def table_console() -> Console:
    """A console on standard output, 100 columns wide if that is not a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def count_threads(threads: int | None) -> str:
    """Describe a number of threads."""
    if threads is None:
        return "the runtime's default threads"
    return "1 thread" if threads == 1 else f"{threads} threads"


def _heading(record: Record) -> Text:
    model, place = record["model"], record["environment"]
    macs = record["graph"]["macs"] / 1e9
    cores = len(place["usable_cores"])
    parts = [
        f"{model['name']}: {model['landmarks']} landmarks, {macs:.2f} GMAC",
        f"{place['chip']}, {cores} core{'s' if cores > 1 else ''}",
    ]
    if place["gpu"]:
        parts.append(place["gpu"]["name"])
    return Text("; ".join(parts), style="bold")


def _latency(rows: list[Row]) -> Table:
    """Time per picture, and distance of its landmarks from float32."""
    times = ("p50", "p90", "p95", "p99", "mean", "std")
    heads = [*times, "mean px", "p99 px", "max px"]
    table = _table(
        "Inference of one picture, ms, and distance of landmarks from float32, px", heads
    )
    for row in rows:
        measured = row["measured"]
        cells = [_ms(measured["stages_ms"]["inference"][name]) for name in times]
        off = [f"{measured['accuracy'][name]:.2g}" for name in ("mean_px", "p99_px", "max_px")]
        table.add_row(*_name(row), *cells, *off)
    return table


def _stages(rows: list[Row]) -> Table:
    """Time per stage of a frame."""
    heads = ["cut", "upload", "inference", "download", "decode", "end to end", "p99"]
    table = _table("Stages of one frame, median ms", heads)
    for row in rows:
        stages = row["measured"]["stages_ms"]
        cells = [_ms(stages[name]["p50"]) if name in stages else "-" for name in STAGES]
        table.add_row(*_name(row), *cells, _ms(stages["end_to_end"]["p99"]))
    return table


def _throughput(rows: list[Row]) -> Table:
    """Pictures per second by batch size, and distance of their landmarks from float32."""
    sizes = [str(entry["batch"]) for entry in rows[0]["measured"]["throughput"]]
    table = _table("Pictures per second, and distance in px", [*sizes, "mean px"])
    for row in rows:
        measured = row["measured"]
        cells = [_rate(entry["images_per_s"]) for entry in measured["throughput"]]
        table.add_row(*_name(row), *cells, f"{measured['accuracy']['mean_px']:.2g}")
    return table


def _costs(rows: list[Row]) -> Table:
    """All other resources, and the share of the machine's peak."""
    heads = ["start s", "peak MB", "GPU MB", "drift %", "mJ/frame", "of peak", "in batches"]
    table = _table("Cold start, memory, drift, energy, share of the machine's peak", heads)
    for row in rows:
        measured, limit = row["measured"], row["roofline"]
        energy = sum(one["millijoules_a_frame"] for one in measured["energy"])
        table.add_row(
            *_name(row),
            f"{measured['cold_start']['total_s']:.1f}",
            _known(measured["peak_memory_mb"], ".0f"),
            _known(measured["peak_gpu_memory_mb"], ".0f"),
            f"{measured['drift_percent']:+.1f}",
            f"{energy:.0f}" if measured["energy"] else "-",
            f"{limit['share_of_peak']:.0%}" if limit else "-",
            f"{limit['share_of_peak_in_batches']:.0%}" if limit else "-",
        )
    return table


def _absent(rows: list[Row]) -> Table:
    """Rows that were not measured, grouped by reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        reasons.setdefault((_runtime(row), row["why_not"]), []).append(row["precision"])
    table = _table("Not measured", [""])
    table.show_header = False
    table.columns[-1].overflow, table.columns[-1].no_wrap = "fold", False
    table.columns[-1].justify = "left"
    for (runtime, reason), precisions in reasons.items():
        table.add_row(runtime, " ".join(dict.fromkeys(precisions)), Text(reason))
    return table


def _notes(record: Record) -> list[Text]:
    measured = [row["measured"] for row in record["rows"] if row["measured"]]
    notes = []
    if measured:
        off = measured[0]["accuracy"]
        notes.append(
            f"Distances are from {off['reference']}, in pixels of the network's input, on "
            f"{off['images']} crops ({off['source']}); int8 calibrated on "
            f"{record['settings']['calibrated_on']}."
        )
    peaks = ", ".join(
        f"{_place(peak)}{peak['precision']} {peak['operations_per_s'] / 1e9:,.0f}"
        for peak in record["peaks"]
    )
    if peaks:
        notes.append(f"Peaks of a matrix product in 10^9 operations per second: {peaks}.")
    loads = [m["other_load_cores"] for m in measured if m["disturbed"]]
    if loads:
        notes.append(
            f"{DISTURBED} disturbed: other programs used up to {max(loads):.1f} cores. Close them "
            "and measure again."
        )
    return [Text(note, style="yellow" if note.startswith(DISTURBED) else "dim") for note in notes]


def _place(peak: Row) -> str:
    threads = f"{count_threads(peak['threads'])} " if peak["threads"] else ""
    return f"{'' if peak['device'] == 'cpu' else 'GPU '}{threads}"


def _name(row: Row) -> tuple[str, str]:
    """Runtime with its distinguishing facts, and precision: the computed one if it differs."""
    asked, computed = row["precision"], computed_precision(row["measured"])
    mark = DISTURBED if row["measured"]["disturbed"] else ""
    return _runtime(row), (asked if asked == computed else f"{asked}>{computed}") + mark


def _runtime(row: Row) -> str:
    threads = f" {row['threads']}t" if row["threads"] else ""
    choice = len(RUNTIMES[row["runtime"]].devices) > 1
    gpu = " gpu" if choice and row["device"] == "cuda" else ""
    return f"{row['runtime']}{gpu}{threads}"


def _table(title: str, heads: list[str]) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in ("", ""):
        table.add_column(name, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _ms(value: float) -> str:
    """About two digits: 0.41, 4.1, 41."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _known(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
