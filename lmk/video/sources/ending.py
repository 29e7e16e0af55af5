"""Whether a video ended before its end."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

from lmk.system.errors import missing_extra
from lmk.video.sources.address import OPEN_TIMEOUT_S, READ_TIMEOUT_S

try:
    import av
except ImportError as missing:
    raise missing_extra("av", "run") from missing

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Healthy videos of all common containers have at least as many frames as they state but one, and
# end within 0.1 s of what they state.
TOLERANCE_FRAMES, TOLERANCE_S = 2.0, 0.3


def frames_if_cut(place: str, counted: int, read: int, last_s: float, fps: float) -> str | None:
    """Return how many frames a video should have had, as text, if clearly fewer were read.

    counted: as OpenCV states; often the duration times the rate, which longer sound, a variable
    rate and edit lists make too large. So the packets decide, which PyAV reads without decoding
    them. read: frames until the end. last_s: time of the last one, 0 if unknown. If PyAV cannot
    open the video again, the statement of OpenCV is believed.
    """
    try:
        missing, exact = _missing(place, last_s, fps)
    except (av.FFmpegError, OSError, ValueError, IndexError):  # such as a server that is gone
        missing, exact = float(counted - read), False
    if missing <= (TOLERANCE_FRAMES if exact else max(TOLERANCE_FRAMES, TOLERANCE_S * fps)):
        return None
    return str(counted) if exact else f"about {counted}"


def _missing(place: str, last_s: float, fps: float) -> tuple[float, bool]:
    """Compare a video's packets with its container's statements and with what was decoded.

    Returns how many frames are missing, and whether the container states an exact count.
    """
    with av.open(place, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S)) as container:
        video = container.streams.video[0]
        packets, ends_s = _read_packets(container, video)
        start_s = float((video.start_time or 0) * (video.time_base or 0))
        undecoded = fps * (ends_s[video.index] - start_s - last_s) - 1 if last_s else 0.0
        if video.frames and video.average_rate:
            length_s = float(video.frames / video.average_rate)
            by_time = fps * (start_s + length_s - ends_s[video.index])
            # An edit list leaves out time but no packets, an AVI with gaps packets but no time.
            return max(min(video.frames - packets, by_time), undecoded), True
        if video.duration and video.time_base:
            end_s = ends_s[video.index]
            stated_s = start_s + float(video.duration * video.time_base)
        else:
            end_s = max(ends_s.values(), default=0.0)
            stated_s = ((container.start_time or 0) + (container.duration or 0)) / av.time_base
        return max(fps * (stated_s - end_s), undecoded), False


def _read_packets(container: InputContainer, video: VideoStream) -> tuple[int, dict[int, float]]:
    """Count the packets of the video, and return at how many seconds each stream ends."""
    packets, ends_s = 0, defaultdict[int, float](float)
    with suppress(av.FFmpegError, OSError):  # so may a truncated file end
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                packets += packet.stream is video
                end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                if not packet.is_discard:  # by an edit list
                    ends_s[packet.stream.index] = max(ends_s[packet.stream.index], end_s)
    return packets, ends_s
