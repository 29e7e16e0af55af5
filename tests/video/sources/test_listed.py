from __future__ import annotations

from pathlib import Path

import pytest

from lmk.system.errors import UsageError
from lmk.video.sources.listed import MAX_BYTES, read_sources


def test_each_line_is_a_source_but_comments(tmp_path: Path) -> None:
    path = tmp_path / "cameras.txt"
    path.write_bytes(
        "\ufeff# cameras\r\n\r\n  rtsp://u:a#b@h/Straße \r\n#rtsp://h\nv4l2src ! appsink".encode()
    )
    assert read_sources(path) == ["rtsp://u:a#b@h/Straße", "v4l2src ! appsink"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no source: expected one per line"),
        (b"# none\n\n", "has no source"),
        (b"caf\xe9.mp4", "it is not UTF-8"),
        (MAX_BYTES * b"a" + b"b", "has more than 1,000,000 bytes"),
        (None, "Is a directory"),
    ],
)
def test_what_is_no_list_is_wrong_usage(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "cameras.txt"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_sources(path)
