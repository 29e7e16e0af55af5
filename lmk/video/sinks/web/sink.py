"""The sink that serves the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.overlay import Overlay
from lmk.video.result import Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.web.app import make_app
from lmk.video.sinks.web.live import Live
from lmk.video.stages import Stages
from lmk.web.server import serving


@contextmanager
def web_sink(
    host: str,
    port: int,
    stages: Stages,
    controls: Controls,
    overlay: Overlay,
    report: Reporter,
    token: str | None = None,
) -> Iterator[Sink]:
    """Serve a page with the newest picture and landmarks of each source, and the run's figures.

    host, port, token: see `serving`. The address is reported. overlay: draws the page's pictures in
    the server's thread; do not share it with the pipeline. The frames of results must not be
    changed after `write`. Raises what `serving` raises.
    """
    live = Live(overlay)
    app = make_app(live, stages, controls)
    with serving(app, host, port, report, token) as address:
        report.say(f"watch at {address}")
        try:
            yield _WebSink(live)
        finally:
            live.close()


class _WebSink:
    draws = False  # the page's own overlay draws, and only for viewers

    def __init__(self, live: Live) -> None:
        self._live = live

    def write(self, result: Result) -> None:
        self._live.put(result)
