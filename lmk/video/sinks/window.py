"""Show results in windows, one per source, with keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from lmk.arrays import Image
from lmk.drawing.text import paste, plate
from lmk.system.errors import LmkError, OutputError
from lmk.system.files import check_writable, replacing
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.display import has_display
from lmk.video.overlay import Overlay, text_size
from lmk.video.result import Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.split import file_stems, split_sink

KEYS = (
    ("q, Esc", "quit"),
    ("space", "pause, continue"),
    ("n", "next frame"),
    ("s", "snapshot as PNG"),
    ("r", "start, end an MP4 recording"),
    ("f", "smooth landmarks on, off"),
    ("b", "boxes"),
    ("i", "IDs of objects"),
    ("p", "names of named points"),
    ("m", "landmarks, where there are named points"),
    ("l", "names or numbers of landmarks"),
    ("c", "scores"),
    ("t", "trails"),
    ("d", "frame rate and stage times"),
    ("h", "this help"),
)
QUIT, PAUSE, STEP, HELP = (ord("q"), 27), (ord(" "),), (ord("n"), ord(".")), (ord("h"),)
SNAPSHOT, RECORD, FILTER = (ord("s"),), (ord("r"),), (ord("f"),)
STILL_KEYS = (
    *(row for row in KEYS if row[0] not in ("space", "n", "r", "f", "t")),
    ("any other", "next picture"),
)
OVERLAYS = {
    "b": "boxes",
    "i": "ids",
    "p": "names",
    "m": "landmarks",
    "l": "labels",
    "c": "scores",
    "t": "trails",
    "d": "times",
}
STILL_WAIT_MS = 50
NO_KEY = 0xFF


@contextmanager
def window_sink(
    titles: Sequence[str],
    controls: Controls,
    overlay: Overlay,
    report: Reporter,
    still: bool = False,
    folder: Path = Path(),
) -> Iterator[Window | None]:
    """Show each source in its own window, and handle its keys.

    titles: of the sources. overlay: draws the results. still: whether a picture waits for a key.
    folder: for snapshots and recordings. Without a display it warns once and gives None. Use it
    only in the thread that opened it, as window systems require.
    """
    if not _open_windows(titles):
        report.warn(
            "no display was found, so nothing is shown (to hide this message use --no-show)"
        )
        yield None
        return
    keys = STILL_KEYS if still else KEYS
    report.say(f"keys: {', '.join(f'{key} {what}' for key, what in keys)}")
    window = Window(titles, controls, overlay, report, still, folder)
    try:
        yield window
    finally:
        with suppress(cv2.error):  # Qt has none left when the last was closed
            cv2.destroyAllWindows()
        window.close()


class Window:
    """A sink with keys; `poll` must be called often, also while no frames arrive."""

    draws = True

    def __init__(
        self,
        titles: Sequence[str],
        controls: Controls,
        overlay: Overlay,
        report: Reporter,
        still: bool,
        folder: Path,
    ) -> None:
        self._controls, self._overlay = controls, overlay
        self._report, self._still, self._folder = report, still, folder
        self._keys = STILL_KEYS if still else KEYS
        self._last: dict[str, Result] = {}
        self._help = False
        self._recording: Sink | None = None
        self._files = ExitStack()
        self._stems = file_stems(titles)
        self._tells_closed = {title: _property_that_tells(title) for title in titles}
        actions: list[tuple[tuple[int, ...], Callable[[], object]]] = [
            (QUIT, controls.stop.set),
            (HELP, self._toggle_help),
            (SNAPSHOT, self._snapshot),
        ]
        if not still:
            actions += [
                (PAUSE, controls.toggle_pause),
                (STEP, controls.step),
                (RECORD, self._toggle_recording),
                (FILTER, self._toggle_filter),
            ]
        self._actions = {key: action for keys, action in actions for key in keys}
        for key, option in OVERLAYS.items():
            self._actions[ord(key)] = partial(overlay.toggle, option)

    def write(self, result: Result) -> None:
        """Show a result, and record it. Raises OutputError when the disk is full."""
        self._last[result.source] = result
        if self._recording:
            self._recording.write(result)
        self._show(result.source, result.drawn_bgr)
        moves_on = self.poll()
        while self._still and not moves_on and not self._controls.stop.is_set():
            moves_on = self.poll(STILL_WAIT_MS)

    def poll(self, wait_ms: int = 1) -> bool:
        """Handle a pressed key; return whether it was one without its own meaning.

        Closing a window quits.
        """
        key = cv2.waitKey(wait_ms) & 0xFF
        if any(_is_closed(title, tells) for title, tells in self._tells_closed.items()):
            self._controls.stop.set()
        if key == NO_KEY:
            return False
        if key not in self._actions:
            return True
        self._actions[key]()
        self._draw_again()
        return False

    def close(self) -> None:
        """End a recording."""
        self._recording = None
        self._files.close()

    def _draw_again(self) -> None:
        """Show the effect of a key at once, also while paused."""
        for source, result in self._last.items():
            self._show(source, self._overlay(result.frame, result.objects, source))

    def _show(self, source: str, drawn: Image) -> None:
        cv2.imshow(source, self._with_notes(drawn))

    def _with_notes(self, drawn: Image) -> Image:
        """Draw the state and the keys, in the window only."""
        state = ("paused", self._controls.paused), ("recording", self._recording is not None)
        rows = tuple((name, "") for name, on in state if on) + (self._keys if self._help else ())
        if not rows:
            return drawn
        stamp = plate(rows, text_size(drawn), right=False)
        shown = np.copy(drawn)
        edge = text_size(drawn)
        paste(shown, stamp, shown.shape[1] - stamp.size_wh[0] - edge, edge)
        return shown

    def _toggle_help(self) -> None:
        self._help = not self._help

    def _toggle_filter(self) -> None:
        self._controls.filtering = not self._controls.filtering
        self._report.say(f"smoothing is {'on' if self._controls.filtering else 'off'}")

    def _snapshot(self) -> None:
        for source, result in self._last.items():
            path = self._folder / f"{self._stems[source]}-{result.frame.index:06}.png"
            drawn = self._overlay(result.frame, result.objects, source)  # with keys pressed since
            _, encoded = cv2.imencode(".png", drawn)
            try:
                with replacing(path) as temporary:
                    temporary.write_bytes(encoded.tobytes())
            except OutputError as error:  # the run goes on without it
                self._report.warn(str(error))
            else:
                self._report.say(f"wrote {path}")

    def _toggle_recording(self) -> None:
        if self._recording:
            self.close()
            self._report.say("recording ended")
            return

        def place(source: str) -> Path:
            path = self._folder / f"{self._stems[source]}-{datetime.now():%Y%m%d-%H%M%S}.mp4"
            self._report.say(f"recording {path}")
            return path

        try:
            check_writable(self._folder)
            from lmk.video.sinks.video import video_sink  # needs PyAV
        except LmkError as error:  # the run goes on without it
            self._report.warn(str(error))
            return
        sink = split_sink(lambda source: video_sink(place(source)))
        self._recording = self._files.enter_context(sink)


def _open_windows(titles: Sequence[str]) -> bool:
    if not has_display():
        return False
    try:
        for title in titles:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
    except cv2.error:  # OpenCV was built without windows
        return False
    return True


def _property_that_tells(title: str) -> int | None:
    """The property that shows that a window was closed; GTK does not support visibility."""
    for tells in (cv2.WND_PROP_VISIBLE, cv2.WND_PROP_AUTOSIZE):
        if cv2.getWindowProperty(title, tells) >= 0:
            return tells
    return None


def _is_closed(title: str, tells: int | None) -> bool:
    if tells is None:
        return False
    try:
        value = cv2.getWindowProperty(title, tells)
    except cv2.error:  # Qt's answer once its last window is gone
        return True
    return bool(value < (1 if tells == cv2.WND_PROP_VISIBLE else 0))
