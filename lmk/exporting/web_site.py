"""The writer of pages: an ONNX file, and the site that runs it in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.artifact.onnx_model import save_onnx
from lmk.exporting import onnx_file
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import drawn_samples
from lmk.exporting.short_weights import with_short_weights
from lmk.exporting.verify import in_onnxruntime
from lmk.exporting.writer import Writer, Written
from lmk.inference.backends.base import Backend
from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend
from lmk.system.errors import UnavailableError, UsageError
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter

MOST_MOVED_PX = 0.02  # by weights that are stored in fewer bits, of the 0.05 of the parity check


def _require(options: ExportOptions) -> None:
    """Raise UsageError for a fixed batch, and for a runtime or a picture that is not there."""
    if options.batch.fixed:
        raise UsageError("web pages look into any number of boxes at once: omit --batch")
    if options.runtime_files:
        from lmk.browser.runtime_files import find_runtime

        find_runtime(options.runtime_files)
    if options.picture and not options.picture.is_file():
        raise UsageError(f"--picture {options.picture}: there is no such file")


def _write(proto: ModelProto, path: Path, options: ExportOptions, report: Reporter) -> Written:
    from lmk.browser.runtime_files import find_runtime
    from lmk.browser.write_site import SiteOptions, write_site

    written = onnx_file.WRITER.write(proto, path, options, report)
    if options.precision == "fp32":
        _shorten(proto, path, report)
    runtime = find_runtime(options.runtime_files) if options.runtime_files else None
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    write_site(path, metadata["name"], SiteOptions(runtime, options.picture))
    return written


def _shorten(proto: ModelProto, path: Path, report: Reporter) -> None:
    """Store the kernels in half the bytes, unless landmarks move by more than a bit."""
    short, whole = with_short_weights(proto), in_onnxruntime(proto)
    crops = drawn_samples(whole.input_size).crops
    moved = in_onnxruntime(short).infer(crops).places - whole.infer(crops).places
    moved_px = float(np.hypot(*moved.reshape(-1, 2).T).max())
    if moved_px > MOST_MOVED_PX:
        report.say(f"weights are stored in 32 bits: in 16, landmarks move by {moved_px:.2f} px")
        return
    save_onnx(short, path)


def _needs(options: ExportOptions) -> str:
    """What is missing here to check the page without a network; empty if nothing is."""
    if not options.runtime_files:
        return "--runtime-files to be checked"
    try:
        from lmk.browser.serving.in_browser import find_browser
    except UnavailableError as error:  # the extra of the server
        return f"a server to be checked ({error})"
    return "" if find_browser() else "Chromium or Chrome to be checked"


def _open(path: Path, options: ExportOptions) -> Backend:
    """The page in a browser, or else its model in ONNX Runtime."""
    if needs := _needs(options):
        backend = OnnxRuntimeBackend(str(path), "cpu")
        backend.description += f"; the page itself needs {needs}"
        return backend
    from lmk.browser.serving.in_browser import BrowserBackend, find_browser

    return BrowserBackend(path, find_browser() or "")


def _check_place(folder: Path) -> None:
    from lmk.browser.write_site import check_site

    check_site(folder)


def _clear(written: Path, folder: Path) -> None:
    from lmk.browser.write_site import clear_site

    clear_site(written, folder)


WRITER = Writer(_write, _require, open=_open, check_place=_check_place, clear=_clear)
