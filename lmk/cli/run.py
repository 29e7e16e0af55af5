"""`lmk run`: landmarks on cameras, pictures, videos and streams."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.errors import UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from lmk.progress import Reporter
    from lmk.runtime.pipeline import Detector, Summary
    from lmk.runtime.sinks.base import Sink
    from lmk.runtime.smoothing import Smoothing
    from lmk.runtime.sources.base import Source
    from lmk.runtime.stages import Stages

_WHERE, _FILTER, _RESULTS = "Where to look", "Smoothing over time", "Where results go"


def run(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="webcam (or webcam:1), an image, a folder of images, a video or a stream URL.",
        ),
    ],
    models: Annotated[
        list[str],
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A shipped model (lmk models list), a model or run folder, or an exported file; "
            "several times for several models.",
        ),
    ],
    region: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="center, box:X,Y,W,H, cascade:face, cascade:cat or onnx:FILE look there in every "
            "frame; track:WORD only now and then, and follows in between. By default what the "
            "model names is tracked in video; elsewhere the centred square counts.",
            show_default=False,
            rich_help_panel=_WHERE,
        ),
    ] = "",
    search: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds between searches for new objects.", rich_help_panel=_WHERE
        ),
    ] = 2.0,
    smooth: Annotated[
        bool, typer.Option(help="Smooth landmarks over time.", rich_help_panel=_FILTER)
    ] = True,
    cutoff: Annotated[
        float,
        typer.Option(min=1e-3, help="Hz, at rest; lower is steadier.", rich_help_panel=_FILTER),
    ] = 1.5,
    per_speed: Annotated[
        float,
        typer.Option(
            min=0,
            help="Hz more for a crop's side a second; higher lags less.",
            rich_help_panel=_FILTER,
        ),
    ] = 15.0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Frames with landmarks drawn: an .mp4 file, for an image a picture, "
            "for a folder or several sources a folder.",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            help="Landmarks as JSON Lines, one object a frame, in pixels.",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show/--no-show", help="Show a window; q or Esc ends.", rich_help_panel=_RESULTS
        ),
    ] = True,
    runtime: options.RuntimeOption = options.Runtime.auto,
    device: options.RunDeviceOption = None,
) -> None:
    """Find landmarks in SOURCEs, draw them, show them and write them down.

    Ctrl-C ends the run and keeps what was written so far.
    """
    from lmk.interrupt import stop_on_signals
    from lmk.progress import Reporter
    from lmk.runtime.controls import Controls
    from lmk.runtime.draw import draw_result
    from lmk.runtime.pipeline import Channel, Surroundings
    from lmk.runtime.pipeline import run as run_pipeline
    from lmk.runtime.smoothing import Smoothing
    from lmk.runtime.sources.open import open_source

    report = Reporter()
    smoothing = Smoothing(cutoff, per_speed) if smooth else None
    with stop_on_signals() as stop, ExitStack() as stack:
        opened = [stack.enter_context(open_source(text)) for text in sources]
        _check_outputs(output, json, opened, sources)
        where = (runtime.value, device.value if device else None)
        still = all(source.still for source in opened)
        detectors = [
            _open_detector(model, where, (region, search), None if still else smoothing, still)
            for model in models
        ]
        for detector in detectors:
            backend = detector.backend
            landmarks = f"{backend.num_landmarks} landmarks"
            report.say(f"{detector.name}: {landmarks}, {backend.description}")
        around = Surroundings(draw_result, report, Controls(stop))
        window_report = report if show else None
        channels = [
            Channel(source, _open_sinks(stack, source, output, json, stop, window_report))
            for source in opened
        ]
        summary = run_pipeline(channels, detectors, around)
    _print_summary(summary, around.stages, [path for path in (output, json) if path])


def _open_detector(
    model: str,
    where: tuple[str, str | None],
    look: tuple[str, float],
    smoothing: Smoothing | None,
    still: bool,
) -> Detector:
    from lmk.runtime.backends.select import open_backend
    from lmk.runtime.pipeline import Detector
    from lmk.runtime.regions.choose import choose_region
    from lmk.runtime.tracking import Tracker, Tracking

    backend = open_backend(model, *where)
    region, search_s = look
    finder, follow = choose_region(region, backend.framing, still)
    tracking, name = Tracking(follow, search_s), Path(model).stem

    def new_tracker() -> Tracker:
        return Tracker(name, finder, backend.framing, tracking, smoothing)

    new_tracker()  # what cannot be followed is said before the first frame
    return Detector(name, backend, new_tracker)


def _check_outputs(
    output: Path | None, json: Path | None, opened: Sequence[Source], sources: Sequence[str]
) -> None:
    from lmk.runtime.sinks.choose import check_output

    for frames, source in zip(opened, sources, strict=True):
        if output:
            check_output(output, frames, source)
        if json and json.resolve() in (Path(source).resolve(), output and output.resolve()):
            raise UsageError(f"--json {json} is also a source or the output: choose another file")


def _open_sinks(
    stack: ExitStack,
    frames: Source,
    output: Path | None,
    json: Path | None,
    stop: threading.Event,
    window_report: Reporter | None,
) -> list[Sink]:
    from lmk.runtime.sinks.choose import drawn_sink
    from lmk.runtime.sinks.jsonl import json_sink
    from lmk.runtime.sinks.window import window_sink

    sinks: list[Sink | None] = []
    if output:
        sinks.append(stack.enter_context(drawn_sink(output, frames)))
    if json:
        sinks.append(stack.enter_context(json_sink(json)))
    if window_report:
        sinks.append(stack.enter_context(window_sink("lmk", frames, stop, window_report)))
    return [sink for sink in sinks if sink]


def _print_summary(summary: Summary, stages: Stages, written: list[Path]) -> None:
    medians = [f"{stage} {spread.p50_ms:.1f}" for stage, spread in stages.spread().items()]
    typer.echo(
        f"{summary.frames} frames at {summary.fps:.1f} frames/s "
        f"(median ms a frame: {', '.join(medians)})"
    )
    for cause, count in stages.dropped.items():
        typer.echo(f"{count} frames not used: {cause}")
    for path in written:
        typer.echo(f"wrote {path}")
    if summary.failed:
        typer.echo(f"{summary.failed} frames have no landmarks: a model failed on them", err=True)
        raise typer.Exit(1)
