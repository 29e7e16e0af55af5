"""`lmk bench`: how fast a model runs on this machine, and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.artifact.formats import PRECISIONS, RUNTIMES, listed
from lmk.cli import options
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
            help=f"all, or some of {listed(RUNTIMES, 'and')}, with commas between.",
        ),
    ] = "all",
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help=f"all that are computed in here, or some of {listed(PRECISIONS, 'and')}.",
        ),
    ] = "all",
    batch: Annotated[
        str,
        typer.Option(
            metavar="SIZES",
            help="Pictures at once for the throughput; engines are tuned for the first.",
        ),
    ] = "1,8,64",
    threads: Annotated[
        str,
        typer.Option(
            metavar="NUMBERS",
            help="Threads on the processor, such as 1,2,4; without it the runtime's own number.",
            show_default=False,
        ),
    ] = "",
    device: Annotated[
        str | None,
        typer.Option(
            parser=options.one_of(options.DEVICES),
            metavar=options.choices(options.DEVICES),
            help=f"{listed(options.DEVICES, 'or')}; without it all that are here.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Measuring time of each row: latency, then batches.")
    ] = 6.0,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="File for every figure and the machine's record."
        ),
    ] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save", help="Keep the fastest for this machine: --runtime auto takes it from now on."
        ),
    ] = False,
    limit: Annotated[
        float,
        typer.Option(min=0, metavar="PX", help="Largest mean distance that --save accepts."),
    ] = 0.5,
    calibration_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="For int8: at least 32 photographs of the category. Without it drawn foxes, which "
            "tell its speed; --save then leaves int8 out.",
            rich_help_panel=CALIBRATION,
        ),
    ] = None,
    verify_data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Photographs to compare landmarks on. Without it a quarter of the calibration "
            "data, else drawn foxes.",
            rich_help_panel=CALIBRATION,
        ),
    ] = None,
) -> None:
    """Measure a model in every runtime and precision that works on this machine.

    Latency of each stage of a frame, throughput by batch, cold start, memory, drift, energy where
    the machine counts it, the share of the machine's measured peak, and beside each speed how far
    the landmarks lie from the float32 network's. Each row is measured in a process of its own,
    after a warm-up. Exported files stay in the user's cache.
    """
    from lmk.bench.bench import BenchOptions, run_bench
    from lmk.bench.inputs import choose_samples
    from lmk.bench.record import write_record
    from lmk.bench.table import print_record, table_console
    from lmk.model.folder import find_model
    from lmk.system.interrupt import exit_on_termination
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
        raise UsageError("expected --batch 1,8,64 or other sizes, got none")
    if not save and given(ctx, {"limit"}):
        raise UsageError("--limit changes nothing without --save")
    if json:
        check_file(json)
    report, found = Reporter(), find_model(model)
    samples, calibration = choose_samples(
        verify_data, calibration_data, found.architecture.input_size
    )
    with exit_on_termination():
        done = run_bench(found, asked, samples, calibration, report)
    print_record(done.record, table_console())
    if json:
        write_record(done.record, json)
        typer.echo(f"wrote {json}")
    if not any(row["measured"] for row in done.record["rows"]):
        raise UnavailableError("nothing that was asked for runs here: the table says why")
    if save:
        _save(found, done, limit, calibration_data is not None, report)


def _save(model: Model, done: Bench, limit: float, own_category: bool, report: Reporter) -> None:
    from lmk.bench.choice import Limit, choose
    from lmk.bench.table import count_threads
    from lmk.inference.backends.choices import save_choice

    if not own_category:
        left_out = listed((one.name for one in PRECISIONS.values() if one.calibrated), "and")
        report.say(f"{left_out} was left out of the choice: it needs --calibration-data")
    if any(row["measured"] and row["measured"]["disturbed"] for row in done.record["rows"]):
        report.warn("other programs disturbed some rows, and another may be the fastest without")
    choice = choose(model, done.record, done.files, Limit(limit, calibrated=own_category))
    path = save_choice(choice)
    typer.echo(
        f"--runtime auto takes {choice.runtime} in {choice.precision} on {choice.device} with "
        f"{count_threads(choice.threads)} from now on: {choice.p50_ms:.1f} ms per frame, "
        f"{choice.mean_px:.2g} px off"
    )
    typer.echo(f"wrote {path}; delete it to undo that")


def _words(text: str) -> tuple[str, ...]:
    return () if text == "all" else tuple(word.strip() for word in text.split(","))


def _numbers(option: str, text: str) -> tuple[int, ...]:
    if not text:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) for word in words):
        raise UsageError(f"expected {option} with whole numbers such as 1,8, got {text}")
    return tuple(dict.fromkeys(int(word) for word in words))
