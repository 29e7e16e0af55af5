"""`lmk run`: landmarks on cameras, pictures, videos and streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.settings import given
from lmk.system.errors import OutputError, UsageError, WeightsError
from lmk.video.filters.catalogue import FILTERS
from lmk.video.sinks.catalogue import addresses

if TYPE_CHECKING:
    from lmk.video.overlay import OverlayOptions
    from lmk.video.pipeline import Summary
    from lmk.video.stages import Stages

_WHERE, _FILTER = "Regions", "Landmarks over time"
_RESULTS = "Outputs"
_VIDEOS, _PICTURES = ", ".join(addresses("video")), ", ".join(addresses("pictures"))
_TABLES = ", ".join(addresses("landmarks"))
_ADVICE = (
    ": --region center uses the centred square of the frame; a search by landmarks finds more with "
    "a lower --find-threshold or --find-min-size, or with --find-angles"
)


def run(
    ctx: typer.Context,
    models: Annotated[
        list[str],
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A shipped model (lmk models list), a model or run folder, a .adapter file, or an "
            "exported file; repeat the option for several models.",
            show_default=False,
        ),
    ],
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="webcam (or webcam:1, /dev/video1), an image, a folder of images, a video, a "
            "stream URL, a GStreamer pipeline, or another program's frames on standard input: - or "
            "stdin:mjpeg@FPS for JPEGs, stdin:bgr24:WxH[@FPS] for raw frames. Several sources are "
            "processed together.",
            show_default=False,
        ),
    ] = [],  # noqa: B006, typer needs a list, and nothing changes it
    source_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Text file with more sources, one per line; lines that start with # are skipped. "
            "Addresses with passwords then appear in no list of processes.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        list[str],
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help=f"File to write; its suffix selects the format. {_VIDEOS}: a video "
            f"with the landmarks drawn; {_PICTURES}: the same for one picture. {_TABLES}: "
            "named points, or else landmarks, in pixels; .json is a COCO keypoint file, and .jsonl "
            "has both. For a folder of pictures or videos of several sources, a folder. "
            "Existing files are replaced, except a .parquet, which is a folder and must be "
            "new. Repeat the option for several outputs.",
            show_default=False,
            rich_help_panel=_RESULTS,
        ),
    ] = [],  # noqa: B006, typer needs a list, and nothing changes it
    show: Annotated[
        bool,
        typer.Option(
            "--show/--no-show",
            help="Show a window; h lists its keys, q ends.",
            rich_help_panel=_RESULTS,
        ),
    ] = True,
    serve: Annotated[
        str,
        typer.Option(
            metavar="[HOST:]PORT",
            help="Serve a page for browsers: on this machine, or with a host such as 0.0.0.0 on "
            "the network. From other machines the page needs the token in its address.",
            show_default=False,
            rich_help_panel=_RESULTS,
        ),
    ] = "",
    token: Annotated[
        str,
        typer.Option(
            envvar="LMK_TOKEN",
            help="Token of the page, in characters of ASCII; by default each run makes a new one.",
            show_default=False,
            rich_help_panel=_RESULTS,
        ),
    ] = "",
    draw: Annotated[
        str,
        typer.Option(
            metavar="WORDS",
            help="What to draw besides the landmarks or named points: boxes, ids, labels, scores, "
            "trails, times, separated by commas; landmarks, those of a model with named points; "
            "no-names, to leave out the names of points.",
            show_default=False,
            rich_help_panel=_RESULTS,
        ),
    ] = "",
    region: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="center, landmarks, box:X,Y,W,H, cascade:face, cascade:cat or "
            "onnx:FILE[#CLASS]: use this region in every frame; landmarks searches it with the "
            "model itself. track:WORD: use it at intervals, and track objects between them. By "
            "default the model's own detector, or landmarks for a model without one, in every "
            "picture, or tracked in videos; the centred square for a model that did not learn how "
            "its landmarks score where there is no object.",
            show_default=False,
            rich_help_panel=_WHERE,
        ),
    ] = "",
    search: Annotated[
        float,
        typer.Option(
            min=0,
            help="Seconds between two runs of the detector while objects are tracked.",
            rich_help_panel=_WHERE,
        ),
    ] = 2.0,
    find_min_size: Annotated[
        float,
        typer.Option(
            help="Side of the smallest objects that landmarks search for, as a share of the "
            "frame's shorter side; half of it takes four times as long.",
            rich_help_panel=_WHERE,
        ),
    ] = 0.14,
    find_threshold: Annotated[
        float,
        typer.Option(
            help="Confidence from which on landmarks are an object: the share of pictures without "
            "one in which nothing is found.",
            rich_help_panel=_WHERE,
        ),
    ] = 0.95,
    find_angles: Annotated[
        str,
        typer.Option(
            metavar="DEGREES",
            help="Angles by which objects may be turned where landmarks search for them, such as "
            "-60,0,60, clockwise; about 30 degrees more are found too.",
            rich_help_panel=_WHERE,
        ),
    ] = "0",
    find_ms: Annotated[
        float | None,
        typer.Option(
            min=1,
            help="Milliseconds that a search by landmarks takes of one frame where objects are "
            "tracked from frame to frame; it goes on in the next frames. By default those between "
            "two frames of a camera or stream, and no limit in files.",
            show_default=False,
            rich_help_panel=_WHERE,
        ),
    ] = None,
    smooth: Annotated[
        bool, typer.Option(help="Smooth landmarks over time.", rich_help_panel=_FILTER)
    ] = True,
    filter: Annotated[
        str,
        typer.Option(
            parser=options.one_of(FILTERS),
            metavar=options.choices(FILTERS),
            help="Filter that smooths the landmarks.",
            rich_help_panel=_FILTER,
        ),
    ] = "one-euro",
    cutoff: Annotated[
        float,
        typer.Option(
            min=1e-3,
            help="Cutoff frequency of the filter at rest, in Hz; lower is smoother.",
            rich_help_panel=_FILTER,
        ),
    ] = 1.5,
    per_speed: Annotated[
        float,
        typer.Option(
            min=0,
            help="Increase of the cutoff with speed, in Hz per crop side per second; higher lags "
            "less.",
            rich_help_panel=_FILTER,
        ),
    ] = 15.0,
    hold: Annotated[
        float,
        typer.Option(
            min=1e-3,
            help="Seconds that a lost landmark stays visible while it fades.",
            rich_help_panel=_FILTER,
        ),
    ] = 0.5,
    runtime: options.RuntimeOption = "auto",
    device: options.RunDeviceOption = None,
    require_signature: options.RequireSignature = None,
) -> None:
    """Find landmarks in one or more SOURCEs, show them and write them to files.

    Cameras and streams are live: the run processes the newest frame, and reconnects when a source
    is lost. From files it processes every frame. Ctrl-C, a termination signal or a closed terminal
    ends the run; its outputs are complete up to there.
    """
    from lmk.inference.regions.landmarks import Finding
    from lmk.system.interrupt import exit_code, stop_on_signals
    from lmk.system.progress import Reporter
    from lmk.video.context import RunContext
    from lmk.video.controls import Controls
    from lmk.video.filters.base import Smoothing
    from lmk.video.open_models import open_models
    from lmk.video.options import TrackOptions
    from lmk.video.outputs import Outputs, run_into
    from lmk.video.sinks.choose import check_output, holds_frames, read_address, shown
    from lmk.video.sources.listed import read_sources
    from lmk.video.sources.open import open_sources

    if source_file:
        sources = [*sources, *read_sources(source_file)]
    if not sources:
        raise UsageError("expected a SOURCE, or --source-file FILE with one source per line")
    places = [read_address(text) for text in output]
    outputs = Outputs(places, show and not serve, serve, token, _drawn(draw))
    smoothing = Smoothing(cutoff, per_speed, fade_s=hold, filter=filter) if smooth else None
    finding = Finding(find_min_size, find_threshold, _angles(find_angles))
    asked = TrackOptions(
        region, search, smoothing, runtime, device, find_ms, finding, require_signature
    )
    report = Reporter()
    with open_sources(sources, report) as opened:
        still = opened[0].still
        _refuse_idle(ctx, still, bool(serve), smooth, region)
        if serve and still:
            raise UsageError("--serve is for cameras, streams and videos: for pictures use -o PATH")
        for place in places:
            check_output(place, opened, sources)
        run_models = open_models(models, asked.for_sources(opened), still, report)
        with stop_on_signals() as stop:
            context = RunContext(report, Controls(stop))
            summary = run_into(outputs, opened, run_models, context)
    missing = [] if summary.frames else [place for place in places if holds_frames(place)]
    written = [shown(place) for place in places if place not in missing]
    _print_summary(summary, context.stages, written)
    if missing:
        said = f"{', '.join(map(shown, missing))} not written: the run ended before its first frame"
        if not exit_code():
            raise OutputError(said)
        report.warn(said)  # which a signal caused, as the exit code says
    if summary.empty:
        many = not region and (still or 2 * summary.empty > summary.frames)
        echo(f"no objects were found in {_frames(summary.empty)}{_ADVICE if many else ''}")
    if summary.failures:
        failed = ", ".join(f"{name} on {_frames(n)}" for name, n in summary.failures.items())
        raise WeightsError(f"failed: {failed}. These frames have no landmarks")


def _refuse_idle(ctx: typer.Context, still: bool, serve: bool, smooth: bool, region: str) -> None:
    """Raise UsageError for a given option that would have no effect in this run."""
    idle, over_time = {}, ("filter", "cutoff", "per_speed", "hold")
    if not serve:
        idle["token"] = "--serve"
    if still:
        idle |= dict.fromkeys(("search", "find_ms", *over_time), "cameras and videos")
    elif not smooth:
        idle |= dict.fromkeys(over_time, "--smooth")
    if region and not region.startswith("track"):
        idle |= dict.fromkeys(("search", "find_ms"), "--region track:WORD")
    for name in given(ctx, set(idle)):
        option = f"--{name.replace('_', '-')}"
        raise UsageError(f"{option} has no effect here: it is for {idle[name]}")


def _angles(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--find-angles {text}: expected degrees with commas, such as -60,0,60"
        ) from error


def _drawn(text: str) -> OverlayOptions:
    from dataclasses import fields

    from lmk.video.overlay import OverlayOptions

    known = [setting.name for setting in fields(OverlayOptions)]
    words = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [word for word in words if word.removeprefix("no-") not in known]:
        raise UsageError(f"--draw {unknown[0]}: expected some of {', '.join(known)}")
    return OverlayOptions(**{w.removeprefix("no-"): not w.startswith("no-") for w in words})


def _print_summary(summary: Summary, stages: Stages, written: list[str]) -> None:
    echo(f"{_frames(summary.frames)} at {summary.fps:.1f} frames/s")
    spread = stages.spread()
    if spread:
        echo(f"{'ms':<10}{'p50':>8}{'p95':>8}{'p99':>8}")
    for stage, ms in spread.items():
        echo(f"{stage:<10}{ms.p50_ms:8.1f}{ms.p95_ms:8.1f}{ms.p99_ms:8.1f}")
    for cause, count in stages.dropped.items():
        echo(f"{_frames(count)} not used: {cause}")
    for path in written:
        echo(f"wrote {path}")


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
