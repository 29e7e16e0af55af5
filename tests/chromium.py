"""A real browser without a screen: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as PlaywrightPage
from playwright.sync_api import Playwright, sync_playwright

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
# Where a browser is required, as in CI, tests without one fail instead of being skipped.
needs_browser = pytest.mark.skipif(
    not PROGRAM and not os.environ.get("LMK_REQUIRE_BROWSER"),
    reason="needs Chromium, which is not here",
)
_running: list[Playwright] = []


class Page:
    """One page; what is not here is in `playwright`, the same page with its mouse and keyboard."""

    def __init__(self, page: PlaywrightPage) -> None:
        self.playwright, self.mouse = page, page.mouse
        self.key = page.keyboard.press  # such as "h", "Enter" or "Shift+ArrowDown"
        self._devtools = page.context.new_cdp_session(page)

    def open(self, url: str) -> None:
        """Go to an address, and return when the page is there."""
        self.playwright.goto(url)

    def size(self, width: int, height: int, dark: bool = False) -> None:
        self.playwright.set_viewport_size({"width": width, "height": height})
        self.playwright.emulate_media(color_scheme="dark" if dark else "light")

    def click(self, x: float, y: float, button: str = "left") -> None:
        self.mouse.click(x, y, button=button)

    def touch(self, kind: str, *places: tuple[float, float]) -> None:
        """Of the events touchStart, touchMove and touchEnd, with the fingers that are down."""
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        return self.playwright.evaluate(expression)

    def wait_for(self, expression: str, seconds: float = 60) -> Any:
        """Wait until an expression is true, and return it; while a page loads it may throw."""
        guarded = f"() => {{ try {{ return {expression} }} catch {{ return null }} }}"
        found = self.playwright.wait_for_function(guarded, timeout=1000 * seconds, polling=50)
        return found.json_value()

    def screenshot(self, path: Path) -> None:
        self.playwright.screenshot(path=path)


@contextmanager
def browser(flags: Sequence[str] = (), **context: Any) -> Iterator[Page]:
    """Start Chromium with further flags and give a page of it; `context` as for `new_context`."""
    assert PROGRAM, "no Chromium on this machine (Debian: apt-get install chromium)"
    with (
        _playwright() as playwright,
        playwright.chromium.launch(executable_path=PROGRAM, args=flags) as chromium,
    ):
        yield Page(chromium.new_context(**context).new_page())


@contextmanager
def _playwright() -> Iterator[Playwright]:
    """One for all browsers that are open: a thread cannot start a second one."""
    if _running:
        yield _running[0]
        return
    with sync_playwright() as playwright:
        _running.append(playwright)
        try:
            yield playwright
        finally:
            _running.clear()
