"""`lmk bench`: how fast a model runs on this machine, and how far its landmarks move."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.artifact.catalogue import PRECISIONS, RUNTIMES, listed
from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.settings import given
from lmk.system.errors import UnavailableError, UsageError
from lmk.system.files import check_file

if TYPE_CHECKING:
    from lmk.bench.bench import Bench
    from lmk.model.folder import Model
    from lmk.system.progress import Reporter

CALIBRATION = "Calibration and comparison"


def bench(
    ctx: typer.Context,
    model: options.ModelName,
    runtime: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help=f"all, or some of {listed(RUNTIMES, 'and')}, separated by commas.",
        ),
    ] = "all",
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help=f"all that this machine can compute in, or some of {listed(PRECISIONS, 'and')}, "
            "separated by commas.",
        ),
    ] = "all",
    batch: Annotated[
        str,
        typer.Option(
            metavar="SIZES",
            help="Batch sizes for the throughput, separated by commas; engines are tuned for the "
            "first.",
        ),
    ] = "1,8,64",
    threads: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="Numbers of CPU threads, such as 1,2,4; by default the runtime chooses.",
            show_default=False,
        ),
    ] = "",
    device: Annotated[
        str | None,
        typer.Option(
            parser=options.one_of(options.DEVICES),
            metavar=options.choices(options.DEVICES),
            help=f"{listed(options.DEVICES, 'or')}; by default all on this machine.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Measuring time per row: latency, then batches.")
    ] = 6.0,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="JSON file to write, with all figures and the description of the machine.",
        ),
    ] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save", help="Save the fastest row for this machine; --runtime auto then uses it."
        ),
    ] = False,
    limit: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="PX",
            help="Largest mean distance from the float32 landmarks "
            "that --save accepts, in input pixels.",
        ),
    ] = 0.5,
    calibration_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="For int8: at least 32 photographs of the category. By default drawn foxes, which "
            "are enough to measure its speed; --save then excludes int8.",
            rich_help_panel=CALIBRATION,
        ),
    ] = None,
    verify_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Photographs to compare landmarks on. By default a quarter of the calibration "
            "data, or else drawn foxes.",
            rich_help_panel=CALIBRATION,
        ),
    ] = None,
) -> None:
    """Measure a model in every runtime and precision that works on this machine.

    Measures the latency of each stage of a frame, throughput per batch size, cold start, memory,
    drift, energy where the machine measures it, and the share of the machine's measured peak. Each
    row also shows how far its landmarks lie from those of the float32 network. Each row is measured
    in its own process, after a warm-up. Exported files stay in the user's cache.
    """
    from lmk.bench.bench import BenchOptions, run_bench
    from lmk.bench.inputs import choose_samples
    from lmk.bench.record import write_record
    from lmk.bench.table import print_record, table_console
    from lmk.model.folder import find_model
    from lmk.system.progress import Reporter

    asked = BenchOptions(
        _words(runtime),
        _words(precision),
        _numbers("--batch", batch),
        _numbers("--threads", threads) or (None,),
        seconds,
        device,
    )
    if not asked.batches:
        raise UsageError("--batch: expected whole numbers such as 1,8,64, got none")
    if not save and given(ctx, {"limit"}):
        raise UsageError("--limit changes nothing without --save")
    if json:
        check_file(json)
    report, found = Reporter(), find_model(model)
    samples, calibration = choose_samples(
        verify_data, calibration_data, found.architecture.input_size
    )
    done = run_bench(found, asked, samples, calibration, report)
    print_record(done.record, table_console())
    if json:
        write_record(done.record, json)
        echo(f"wrote {json}")
    if not any(row["measured"] for row in done.record["rows"]):
        raise UnavailableError(
            "no requested runtime and precision runs here: the table gives the reasons"
        )
    if save:
        _save(found, done, limit, calibration_data is not None, report)


def _save(model: Model, done: Bench, limit: float, own_category: bool, report: Reporter) -> None:
    from lmk.bench.fastest import Limit, choose
    from lmk.bench.table import count_threads
    from lmk.inference.backends.saved_choice import save_choice

    if not own_category:
        left_out = listed((one.name for one in PRECISIONS.values() if one.calibrated), "and")
        report.say(f"{left_out} was excluded from the choice: it needs --calibration-data")
    if any(row["measured"] and row["measured"]["disturbed"] for row in done.record["rows"]):
        report.warn(
            "other programs disturbed some rows: on a quiet machine another row may be the fastest"
        )
    choice = choose(model, done.record, done.files, Limit(limit, calibrated=own_category))
    path = save_choice(choice)
    echo(
        f"--runtime auto now uses {choice.runtime} in {choice.precision} on {choice.device} with "
        f"{count_threads(choice.threads)}: {choice.p50_ms:.1f} ms per frame, landmarks "
        f"{choice.mean_px:.2g} px from float32"
    )
    echo(f"wrote {path}; delete this file to undo")


def _words(text: str) -> tuple[str, ...]:
    return () if text == "all" else tuple(word.strip() for word in text.split(","))


def _numbers(option: str, text: str) -> tuple[int, ...]:
    if not text:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) for word in words):
        raise UsageError(f"{option}: expected whole numbers such as 1,8, got {text}")
    return tuple(dict.fromkeys(int(word) for word in words))
