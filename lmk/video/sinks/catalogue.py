"""The table of sinks.

A new sink is one file in this folder and one line in the table. It imports nothing slow, because
the help of `lmk run` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lmk.data.suffixes import STILL_SUFFIXES

Content = Literal["landmarks", "video", "pictures"]


@dataclass(frozen=True)
class SinkKind:
    """A type of sink, chosen by its address.

    takes: suffixes of paths, such as ".csv", and schemes of URLs, such as "mqtt://". maker:
    MODULE:FUNCTION. The function takes the address, a Path or the text of a URL, and gives a
    context manager of a `Sink`. For videos it also takes the source's frames per second, or None.
    holds: "landmarks" of all sources together, or the frames of one source: "video", "pictures".
    extra: of the package, which installs what the module imports. is_folder: whether the path
    becomes a folder.
    """

    takes: tuple[str, ...]
    maker: str
    holds: Content = "landmarks"
    extra: str = ""
    is_folder: bool = False


SINKS = [
    SinkKind((".jsonl",), "lmk.video.sinks.jsonl:json_sink"),
    SinkKind((".csv",), "lmk.video.sinks.csv:csv_sink"),
    SinkKind((".json",), "lmk.video.sinks.coco:coco_sink"),
    SinkKind((".parquet",), "lmk.video.sinks.parquet:parquet_sink", extra="tables", is_folder=True),
    SinkKind((".mp4",), "lmk.video.sinks.video:video_sink", "video", extra="run"),
    SinkKind(tuple(sorted(STILL_SUFFIXES)), "lmk.video.sinks.pictures:picture_sink", "pictures"),
]


def addresses(*contents: Content) -> list[str]:
    """Suffixes and schemes of the sinks with this content, or of all sinks."""
    return [mark for kind in SINKS if not contents or kind.holds in contents for mark in kind.takes]
