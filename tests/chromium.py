"""A real browser without a screen, driven over its own debugging pipe."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
KEY_EVENT = "Input.dispatchKeyEvent"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",  # commands come on descriptor 3, answers go to 4
)


class Page:
    """One page. DevTools protocol: JSON messages that end with a zero byte."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._rest, self._number, self._session, self._loaded = b"", 0, "", False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")

    def open(self, url: str) -> None:
        """Go to an address, and return when the page is there."""
        self._loaded = False
        self._call("Page.navigate", url=url)
        while not self._loaded:
            self._next()

    def size(self, width: int, height: int, dark: bool = False) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        """Of the events mousePressed, mouseMoved, mouseReleased and mouseWheel."""
        pressed = {"button": "left", "clickCount": 1} if kind != "mouseWheel" else {}
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **(pressed | more))

    def click(self, x: float, y: float, button: str = "left") -> None:
        self.mouse("mousePressed", x, y, button=button)
        self.mouse("mouseReleased", x, y, button=button)

    def touch(self, kind: str, *places: tuple[float, float]) -> None:
        """Of the events touchStart, touchMove and touchEnd, with the fingers that are down."""
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def key(self, key: str, text: str = "", modifiers: int = 0) -> None:
        self._call(KEY_EVENT, type="keyDown", key=key, text=text, modifiers=modifiers)
        self._call(KEY_EVENT, type="keyUp", key=key, modifiers=modifiers)

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 20) -> Any:
        """Wait until an expression is true, and return it; while a page loads it may throw."""
        guarded = f"(() => {{ try {{ return {expression} }} catch {{ return null }} }})()"
        deadline = time.monotonic() + seconds
        while not (value := self.value(guarded)):
            assert time.monotonic() < deadline, f"never came true: {expression}"
            time.sleep(0.05)
        return value

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser is gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        answer = json.loads(message)
        self._loaded |= answer.get("method") == "Page.loadEventFired"
        return answer


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Start Chromium with a fresh profile and give a page of it."""
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()
    # The shell puts the two pipes where Chromium expects them.
    shell = f'exec "$0" "$@" 3<&{to_read} 4>&{to_write}'
    arguments = [*FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", shell, PROGRAM, *arguments],
        pass_fds=(to_read, to_write),
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Page(commands, answers)
    finally:
        os.close(commands)
        process.terminate()
        process.wait(10)
        os.close(answers)
