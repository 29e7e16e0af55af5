"""`lmk run`: landmarks on a camera, pictures, a video or a stream."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.errors import UsageError

if TYPE_CHECKING:
    import threading

    from lmk.progress import Reporter
    from lmk.runtime.sinks.base import Sink
    from lmk.runtime.sources.base import Source
    from lmk.runtime.video import Summary


def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="webcam (or webcam:1), an image, a folder of images, a video or a stream URL.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A shipped model (lmk models list), a model or run folder, or an exported file.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Frames with landmarks drawn: an .mp4 file, for an image a picture, "
            "for a folder a folder.",
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", help="Landmarks as JSON Lines, one object a frame, in pixels."),
    ] = None,
    box: Annotated[
        str,
        typer.Option(
            metavar="X,Y,W,H",
            help="Where the object is, in pixels. Without it the whole frame's centred square.",
            show_default=False,
        ),
    ] = "",
    runtime: options.RuntimeOption = options.Runtime.auto,
    device: options.RunDeviceOption = None,
    show: Annotated[
        bool, typer.Option("--show/--no-show", help="Show a window; q or Esc ends.")
    ] = True,
) -> None:
    """Find landmarks in a SOURCE, draw them, show them and write them down.

    Ctrl-C ends the run and keeps what was written so far.
    """
    from lmk.interrupt import stop_on_signals
    from lmk.progress import Reporter
    from lmk.runtime.backends.select import open_backend
    from lmk.runtime.regions.places import center, fixed
    from lmk.runtime.sources.open import open_source
    from lmk.runtime.video import run_source

    report = Reporter()
    region = fixed(_parse_box(box)) if box else center
    with stop_on_signals() as stop, open_source(source) as frames, ExitStack() as stack:
        _check_outputs(output, json, frames, source)
        backend = open_backend(model, runtime.value, device.value if device else None)
        report.say(f"{model}: {backend.num_landmarks} landmarks, {backend.description}")
        sinks = _open_sinks(stack, frames, output, json, stop, report if show else None)
        summary = run_source(frames, region, backend, sinks, report, stop)
    _print_summary(summary, [path for path in (output, json) if path])


def _parse_box(text: str) -> tuple[float, float, float, float]:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected --box x,y,width,height in pixels, got {text}") from error
    return x, y, width, height


def _check_outputs(output: Path | None, json: Path | None, frames: Source, source: str) -> None:
    from lmk.runtime.sinks.choose import check_output

    if output:
        check_output(output, [frames], [source])
    if json and json.resolve() in (Path(source).resolve(), output and output.resolve()):
        raise UsageError(f"--json {json} is also the source or the output: choose another file")


def _open_sinks(
    stack: ExitStack,
    frames: Source,
    output: Path | None,
    json: Path | None,
    stop: threading.Event,
    window_report: Reporter | None,
) -> list[Sink]:
    from lmk.runtime.controls import Controls
    from lmk.runtime.overlay import Overlay
    from lmk.runtime.sinks.choose import open_output
    from lmk.runtime.sinks.jsonl import json_sink
    from lmk.runtime.sinks.window import window_sink

    sinks: list[Sink | None] = []
    if output:
        sinks.append(stack.enter_context(open_output(output, [frames])))
    if json:
        sinks.append(stack.enter_context(json_sink(json)))
    if window_report:
        window = window_sink([frames.title], Controls(stop), Overlay(), window_report, frames.still)
        sinks.append(stack.enter_context(window))
    return [sink for sink in sinks if sink]


def _print_summary(summary: Summary, written: list[Path]) -> None:
    stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in summary.stage_ms.items())
    typer.echo(f"{summary.frames} frames at {summary.fps:.1f} frames/s ({stages} ms a frame)")
    for path in written:
        typer.echo(f"wrote {path}")
