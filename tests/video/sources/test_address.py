from __future__ import annotations

import pytest

from lmk.video.sources.address import without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://host:554/live", "rtsp://host:554/live"),
        ("rtsp://admin:hidden@host:554/live", "rtsp://***@host:554/live"),
        ("rtsp://admin:hid/d@en@host/live", "rtsp://***@host/live"),
        ("rtsp://admin:12/hidden?#@host/live", "rtsp://***@host/live"),
        ("http://[::1]:80/a?x=1&token=hidden&y=2", "http://[::1]:80/a?x=1&token=***&y=2"),
        ("http://h/?Api-Key=hidden", "http://h/?Api-Key=***"),
        ("http://h/?access_token=hidden#top", "http://h/?access_token=***#top"),
        ("srt://h:9000?passphrase=hidden", "srt://h:9000?passphrase=***"),
        (
            "rtsp://h/user=admin&password=hidden&channel=1",
            "rtsp://h/user=admin&password=***&channel=1",
        ),
        ("rtsp://h/user=admin_password=hidden_channel=1.sdp", "rtsp://h/user=admin_password=***"),
        ("https://h/v.m3u8?Policy=a&Signature=hidden", "https://h/v.m3u8?Policy=a&Signature=***"),
        (
            'rtspsrc location=rtsp://a:hidden@h/s user-pw="hidden too" ! decodebin ! appsink',
            "rtspsrc location=rtsp://***@h/s user-pw=*** ! decodebin ! appsink",
        ),
    ],
)
def test_addresses_are_shown_without_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
