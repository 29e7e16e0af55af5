"""How fast are models in a web page? They alternate in a browser without a screen.

python benchmarks/browser.py --onnxruntime-web node_modules/onnxruntime-web [--threads 1]
    [--models faces,faces-small,faces-tiny] [--seconds 10] [--json FILE] [--plot FILE]

Needs Chromium, and the package from npm: `npm install onnxruntime-web`. The page computes landmarks
from one uint8 picture with WebAssembly, as `lmk export -f onnx` writes the models. Nothing is
fetched from elsewhere.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

from output import bar_rows, finish, parse, print_rows

from lmk.artifact.onnx_model import GraphOptions, build_onnx, save_onnx
from lmk.bench.measure import distribution
from lmk.bench.record import StartState, make_record
from lmk.model.folder import find_model

LONGEST_S = 600
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
)

PAGE = """<!doctype html><script type="module">
import * as ort from "./ort/ort.wasm.min.mjs"
const given = GIVEN
ort.env.wasm.numThreads = given.threads
const sessions = {}, times = {}
const report = body => fetch("/report", {method: "POST", body: JSON.stringify(body)})
try {
  for (const name of given.models) {
    sessions[name] = await ort.InferenceSession.create(`${name}.onnx`)
    times[name] = []
  }
  const picture = new Uint8Array(128 * 128 * 3).map((_, i) => (i * 7919) % 256)
  const images = new ort.Tensor("uint8", picture, [1, 128, 128, 3])
  for (let round = 0; round <= given.rounds; round++)
    for (const [name, session] of Object.entries(sessions)) {
      const end = performance.now() + (round ? 1000 * given.seconds / given.rounds : 500)
      while (performance.now() < end) {
        const start = performance.now()
        await session.run({images})
        if (round) times[name].push(performance.now() - start)
      }
    }
  await report({browser: navigator.userAgent, threads: ort.env.wasm.numThreads, times})
} catch (error) { await report({error: String(error)}) }
</script>"""
ROUNDS = 5


class Site(SimpleHTTPRequestHandler):
    """Serves a folder, isolated as threads in a page require, and receives the page's report."""

    reports: Queue[dict[str, Any]] = Queue()

    def end_headers(self) -> None:
        """Add the two headers of an isolated page."""
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def do_POST(self) -> None:
        """Receive the report."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reports.put(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def write_site(folder: Path, given: argparse.Namespace) -> None:
    """Write the page, the runtime's files and the models."""
    dist = given.onnxruntime_web / "dist"
    if not (dist / "ort.wasm.min.mjs").is_file():
        raise SystemExit(f"{given.onnxruntime_web} is not the npm package onnxruntime-web")
    (folder / "ort").mkdir()
    for name in ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        shutil.copy(dist / name, folder / "ort")
    models = given.models.split(",")
    for name in models:
        save_onnx(build_onnx(find_model(name), GraphOptions()), folder / f"{name}.onnx")
    settings = {"models": models, "threads": given.threads, "seconds": given.seconds}
    page = PAGE.replace("GIVEN", json.dumps(settings | {"rounds": ROUNDS}))
    (folder / "index.html").write_text(page)


def in_browser(site: Path, chromium: str) -> dict[str, Any]:
    """The report of the page, opened in Chromium."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Site, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/index.html"
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, *FLAGS, f"--user-data-dir={profile}", address]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            report = Site.reports.get(timeout=LONGEST_S)
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
    if "error" in report:
        raise SystemExit(f"the page failed: {report['error']}")
    return report


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--onnxruntime-web", type=Path, required=True, help="folder of the package")
    parser.add_argument("--chromium", default="chromium", help="program, or its path")
    parser.add_argument("--models", default="faces,faces-small,faces-tiny", help="with commas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="measuring time per model")
    given = parse(parser)
    if not (chromium := shutil.which(given.chromium)):
        raise SystemExit(f"{given.chromium} is not installed: name it with --chromium")
    start = StartState(busy=None)  # the processes of a browser cannot be told from other load
    with tempfile.TemporaryDirectory() as folder:
        write_site(Path(folder), given)
        report = in_browser(Path(folder), chromium)
    spread = {name: distribution(times) for name, times in report["times"].items()}
    rows = [{"model": name, "p50": s.p50, "p99": s.p99} for name, s in spread.items()]
    title = f"{report['browser']}, {report['threads']} threads"
    print(title)
    print_rows(rows, {"model": "", "p50": "p50 ms", "p99": "p99 ms"})
    settings = {"models": given.models, "threads": given.threads, "browser": report["browser"]}
    record = make_record("browser", start, settings, rows)
    bars = [(name, s.p50) for name, s in spread.items()]
    finish(record, bar_rows(bars, "median time of one picture in a page, ms"), given)


if __name__ == "__main__":
    main()
