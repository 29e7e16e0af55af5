"""Run with the requested outputs: files, windows, a page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from lmk.video.context import RunContext
from lmk.video.overlay import Overlay, OverlayOptions
from lmk.video.pipeline import Summary, run
from lmk.video.run_model import RunModel
from lmk.video.sinks.choose import Address, open_output
from lmk.video.sources.base import Source


@dataclass(frozen=True)
class Outputs:
    """The outputs of a run.

    addresses: checked by `check_output`. window: whether to show the frames. page: [HOST:]PORT of
    the page for browsers, or "". token: of that page; "" makes a new one. draw: what is drawn
    besides the landmarks.
    """

    addresses: Sequence[Address] = ()
    window: bool = False
    page: str = ""
    token: str = ""
    draw: OverlayOptions = field(default_factory=OverlayOptions)


def run_into(
    outputs: Outputs, sources: Sequence[Source], models: Sequence[RunModel], context: RunContext
) -> Summary:
    """Open the sinks of the outputs, run, and close them. Raises what `run` raises."""
    names = {model.name: model.landmark_names for model in models}
    overlay = Overlay(outputs.draw, context.stages, names)
    with ExitStack() as stack:
        sinks = [stack.enter_context(open_output(one, sources)) for one in outputs.addresses]
        if outputs.page:
            from lmk.video.sinks.web.sink import web_sink  # needs the extra `web`
            from lmk.web.server import parse_address

            host, port = parse_address(outputs.page)
            drawing, parts = Overlay(outputs.draw, None, names), (context.stages, context.controls)
            page = web_sink(host, port, *parts, drawing, context.report, outputs.token or None)
            sinks.append(stack.enter_context(page))
        if outputs.window:
            from lmk.video.sinks.window import window_sink

            titles, still = [source.title for source in sources], sources[0].still
            shown = window_sink(titles, context.controls, overlay, context.report, still)
            if window := stack.enter_context(shown):
                sinks.append(window)
                context = replace(context, idle=window.poll)
        return run(sources, models, sinks, overlay, context)
