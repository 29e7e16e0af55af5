"""Streams of a network, and GStreamer pipelines."""

from __future__ import annotations

from collections import Counter

from lmk.system.errors import SourceError, UnavailableError, UsageError
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter
from lmk.video.sources.address import TIMEOUTS, Address
from lmk.video.sources.base import Source
from lmk.video.sources.capture import Capture
from lmk.video.sources.live import LiveSource
from lmk.video.sources.recording import Recording
from lmk.video.sources.secrecy import PIPE, without_secrets

STREAM, PIPELINE = "stream ", "pipeline "  # how titles start


def open_url(text: str, report: Reporter | None) -> Source:
    """Open a URL that FFmpeg knows, such as http, rtsp, udp or srt.

    Raises SourceError, and UnavailableError if OpenCV cannot read streams.
    """
    has = cv2.videoio_registry.hasBackend
    api = next((api for api in (cv2.CAP_FFMPEG, cv2.CAP_GSTREAMER) if has(api)), None)
    if api is None:
        raise UnavailableError(
            "this OpenCV was built without FFmpeg and GStreamer, which streams need: "
            "run  pip install opencv-python"
        )
    scheme, slashes, rest = text.partition("://")
    text = f"{scheme.lower()}{slashes}{rest}"  # FFmpeg knows no HTTP://
    remedy = "check the address, and that the stream is running"
    title = f"{STREAM}{without_secrets(text)}"
    try:
        return _open_stream(Address(text, title, remedy, api, _timeouts(api)), report)
    except SourceError as error:
        reason = _refusal(text)
        # Not from PyAV's error: that names the URL.
        raise (SourceError(f"{title} {reason}") if reason else error) from None


def open_pipeline(text: str, report: Reporter | None) -> Source:
    """Open a GStreamer pipeline that ends in an appsink, as gst-launch-1.0 would write it.

    A camera of a Jetson: nvarguscamerasrc ! nvvidconv ! video/x-raw,format=BGRx ! videoconvert !
    video/x-raw,format=BGR ! appsink. OpenCV before 4.7 waits without end for a pipeline that
    stalls, unless it contains watchdog timeout=2000. Raises UsageError without an appsink,
    UnavailableError if OpenCV has no GStreamer, and SourceError.
    """
    shown = without_secrets(text)
    if not text.split(PIPE)[-1].split()[:1] == ["appsink"]:
        raise UsageError(
            "expected a GStreamer pipeline that ends in  "
            f"! videoconvert ! video/x-raw,format=BGR ! appsink, got {shown}"
        )
    if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise UnavailableError(
            f"this OpenCV was built without GStreamer, which {shown} needs: use the system's "
            "OpenCV (apt install python3-opencv, on a Jetson that of JetPack) in an environment "
            "made with  python3 -m venv --system-site-packages"
        )
    remedy = "test it with gst-launch-1.0, and fakesink in place of appsink"
    api = cv2.CAP_GSTREAMER
    title = f"{PIPELINE}{shown.split(PIPE)[0]}{PIPE}..."
    return _open_stream(Address(text, title, remedy, api, _timeouts(api)), report)


def _refusal(url: str) -> str | None:
    """Why a URL does not open, if PyAV is there to say so."""
    try:
        from lmk.video.sources.refusals import refusal  # PyAV takes long to import
    except UnavailableError:
        return None
    return refusal(url)


def _timeouts(api: int) -> tuple[int, ...]:
    """Parameters for opening: GStreamer's back end does not open with unknown ones."""
    major, minor = (int(part) for part in cv2.__version__.split(".")[:2])
    return () if api == cv2.CAP_GSTREAMER and (major, minor) < (4, 7) else TIMEOUTS


def _open_stream(address: Address, report: Reporter | None) -> Source:
    """Distinguish a live stream from a recording, whose length is known."""
    dropped: Counter[str] = Counter()
    capture = Capture(address, dropped, report)
    if capture.frame_count is not None:
        return Recording(address, capture, address.title, dropped, report)
    return LiveSource(address, capture, dropped, report)
