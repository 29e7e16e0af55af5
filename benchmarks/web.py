"""How fast is the page of `lmk export -f web`? Models alternate in Chromium, with a fake camera.

python benchmarks/web.py --runtime-files node_modules/onnxruntime-web [--rounds 3] [--seconds 10]
    [--models faces-small,faces-tiny,faces] [--json FILE] [--plot FILE]

Needs Chromium, Playwright (the extra `dev`), and the package from npm. The camera, 640 x 480 at 30
frames per second, shows the clip of `lmk demo`: one face. WebAssembly has one thread, and no GPU.
Per model: frames per second; milliseconds from a frame to its drawn landmarks, and of their stages;
and seconds from opening the page to the first landmarks when its files are in the browser's cache.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from collections import defaultdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
from output import bar_rows, finish, parse, print_rows
from playwright.sync_api import Browser, sync_playwright

import lmk
from lmk.bench.measure import distribution
from lmk.bench.record import StartState, make_record
from lmk.browser.write_site import size_without_runtime
from lmk.demo.clip import frames

LONGEST_MS = 120_000
WARM_UP_S = 2.0  # the first search, and the compiler of WebAssembly
STAGES = ("read", "crop", "model", "follow", "draw", "total")

COLLECT = """async ([warmUpS, seconds]) => {
  const pause = (s) => new Promise((done) => setTimeout(done, 1000 * s))
  await pause(warmUpS)
  const times = []
  const began = performance.now()
  addEventListener("landmarks", ({ detail }) => times.push(detail.times))
  await pause(seconds)
  return { times, seconds: (performance.now() - began) / 1000 }
}"""
FIRST = """new Promise((done) => addEventListener("landmarks", function first({ detail }) {
  if (detail.objects.length) { removeEventListener("landmarks", first); done(performance.now()) }
}))"""


class Site(SimpleHTTPRequestHandler):
    """Serves a folder without saying anything."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def write_camera(path: Path) -> None:
    """Write the clip as JPEGs one after another, which Chromium's fake camera repeats."""
    path.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames()))


def measure(chromium: Browser, address: str, seconds: float) -> dict[str, Any]:
    """Open a page twice, and measure the second time, with its files in the cache."""
    context = chromium.new_context(permissions=["camera"])
    context.add_init_script("localStorage.setItem('lmk', '{\"backend\": \"wasm\"}')")
    context.add_init_script(f"globalThis.firstLandmarks = {FIRST}")
    page = context.new_page()
    page.set_default_timeout(LONGEST_MS)
    for _ in range(2):
        page.goto(address)
        page.click("[data-do=camera]")
        first_ms = page.evaluate("globalThis.firstLandmarks")
    found: dict[str, Any] = page.evaluate(COLLECT, [WARM_UP_S, seconds])
    context.close()
    return found | {"first_s": first_ms / 1000}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runtime-files", default="npm", help="folder of onnxruntime-web, or npm")
    parser.add_argument("--chromium", default="chromium", help="program, or its path")
    parser.add_argument("--models", default="faces-small,faces-tiny,faces", help="with commas")
    parser.add_argument("--seconds", type=float, default=10, help="per model and round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parse(parser)
    if not (program := shutil.which(given.chromium)):
        raise SystemExit(f"{given.chromium} is not installed: name it with --chromium")
    start = StartState(busy=None)  # the processes of a browser cannot be told from other load
    models = given.models.split(",")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        write_camera(folder / "camera.mjpeg")
        for model in models:
            runtime = given.runtime_files
            lmk.export(model, folder / model, "web", runtime_files=runtime, reference=None)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        flags = (
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={folder / 'camera.mjpeg'}",
        )
        with playwright.chromium.launch(executable_path=program, args=flags) as chromium:
            version = f"Chromium {chromium.version}"
            for _ in range(given.rounds):
                for model in models:
                    address = f"http://127.0.0.1:{server.server_port}/{model}/"
                    found[model].append(measure(chromium, address, given.seconds))
        server.shutdown()
        sizes = {model: size_without_runtime(folder / model / f"{model}.onnx") for model in models}
    rows = [row(model, found[model], sizes[model]) for model in models]
    print(version)
    columns = {"name": "", "fps": "frames/s", **{stage: f"{stage} ms" for stage in STAGES}}
    print_rows(
        rows, {**columns, "total_p99": "p99", "first_s": "first landmarks s", "megabytes": "MB"}
    )
    settings = {"models": given.models, "browser": version, "rounds": given.rounds}
    record = make_record("web", start, settings, rows)
    bars = [(entry["name"], entry["total"]) for entry in rows]
    finish(record, bar_rows(bars, "from a camera's frame to its drawn landmarks, ms"), given)


def row(model: str, rounds: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """Medians over all frames of all rounds."""
    times = [frame for one in rounds for frame in one["times"]]
    spread = {stage: distribution([frame[stage] for frame in times]) for stage in STAGES}
    return {
        "name": model,
        "fps": len(times) / sum(one["seconds"] for one in rounds),
        **{stage: one.p50 for stage, one in spread.items()},
        "total_p99": spread["total"].p99,
        "first_s": distribution([one["first_s"] for one in rounds]).p50,
        "megabytes": size / 1e6,
    }


if __name__ == "__main__":
    main()
