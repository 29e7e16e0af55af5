from __future__ import annotations

import string
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lmk.video.sources.secrecy import without_secrets

UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
JWT = "eyJhbGciOiJI.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # Nothing is secret.
        ("rtsp://host:554/live", "rtsp://host:554/live"),
        ("rtsp://10.0.0.5/h264Preview_01_main", "rtsp://10.0.0.5/h264Preview_01_main"),
        ("rtsp://h/axis-media/media.amp", "rtsp://h/axis-media/media.amp"),
        ("http://h/ISAPI/Streaming/Channels/101", "http://h/ISAPI/Streaming/Channels/101"),
        ("https://h/My%20Films/part-2.mp4", "https://h/My%20Films/part-2.mp4"),
        ("http://[fe80::1]:80/a.mjpg", "http://[fe80::1]:80/a.mjpg"),
        ("udp://@239.0.0.1:1234", "udp://@239.0.0.1:1234"),
        ("rtmp://host", "rtmp://host"),
        ("file:///data/clip.mp4", "file:///data/clip.mp4"),
        ("photos/icon@2x.png", "photos/icon@2x.png"),
        (r"C:\films\clip.mp4", r"C:\films\clip.mp4"),
        # User and password.
        ("rtsp://admin:hidden@host:554/live", "rtsp://***@host:554/live"),
        ("rtsp://hidden@host/live", "rtsp://***@host/live"),
        ("rtsp://admin:hid@den@host/live", "rtsp://***@host/live"),
        ("rtsp://admin:hid den@host/live", "rtsp://***@host/live"),
        (' "rtsp://admin:hid den@host/live"', ' "rtsp://***@host/***'),
        ("rtsp://admin:hid/d@en@host/live", "rtsp://***"),
        ("rtsp://admin:12/hidden?#@host/live", "rtsp://***"),
        ("rtsp://admin:hidden/host", "rtsp://***"),
        ("RTSP://admin:hidden@host", "RTSP://***@host"),
        ("async:http://admin:hidden@host/a", "async:http://***@host/a"),
        ("mqtts://user:hidden@broker:8883/faces", "mqtts://***@broker:8883/faces"),
        # Query and fragment.
        ("http://h/a?p=hidden", "http://h/a?***"),
        ("http://h/?x=1&jwt=hidden&y=2", "http://h/?***"),
        ("http://h?code=hidden", "http://h?***"),
        ("http://h/a?login=me:hidden", "http://h/a?***"),
        ("http://h/a?login=me@hidden", "http://***"),
        ("http://h/?Api-Key=hidden#top", "http://h/?***"),
        ("http://h/a#hidden", "http://h/a#***"),
        ("http://h/a?", "http://h/a?***"),
        ("srt://h:9000?mode=caller&streamid=hidden", "srt://h:9000?***"),
        ("srt://h:9000?passphrase=hidden", "srt://h:9000?***"),
        # The path.
        ("rtmp://h/live/hidden", "rtmp://h/live/***"),
        ("rtmps://u:hidden@h:443/app/hidden/", "rtmps://***@h:443/app/***"),
        ("rtmp://h/app/hidden live=1 token=hidden", "rtmp://h/app/*** ***"),
        (f"http://h/{UUID}/index.m3u8", "http://h/***"),
        (f"http://h/live/{JWT}/1", "http://h/live/***"),
        ("http://h/x7Kp2q9T/1.ts", "http://h/***"),
        ("http://h/s3cr3t/1.ts", "http://h/***"),
        ("http://h/QwErTyUiOpAsDfGh/1.ts", "http://h/***"),
        ("http://h/AQIDBAUGBwgJCgsMDQ%3D%3D", "http://h/***"),
        ("http://h/a;jsessionid=hidden/b", "http://h/***"),
        ("rtsp://h/user=admin&password=hidden&channel=1", "rtsp://h/***"),
        ("rtsp://h/user=admin_password=hidden_channel=1.sdp", "rtsp://h/***"),
        # Slips of the keyboard.
        ("rtsp:/user:hidden@10.0.0.5/live", "***@10.0.0.5/live"),
        ("user:hidden@10.0.0.5:8080/video", "***@10.0.0.5:8080/video"),
        ("10.0.0.5/video?token=hidden", "10.0.0.5/video?***"),
        # Messages.
        ("opening http://a:hidden@h/b?c=hidden: refused", "opening http://***@h/b?***: refused"),
        ("'rtmp://h/live/hidden', again", "'rtmp://h/live/*** ***"),
        # Pipelines.
        (
            "videotestsrc ! video/x-raw(memory:NVMM),width=640, format=(string)BGR ! appsink",
            "videotestsrc ! video/x-raw(memory:NVMM),width=640, format=(string)BGR ! appsink",
        ),
        ("v4l2src device=/dev/video0 ! v4l2h264dec", "v4l2src device=/dev/video0 ! v4l2h264dec"),
        ("a user-pw=b eyJhbGciOiJIUzI1NiIsIn ! c", "a user-pw=*** *** ! c"),
        ("tee name=t t. ! queue ! appsink", "tee name=*** t. ! queue ! appsink"),
        (
            'rtspsrc location=rtsp://a:hidden@h/s?x=hidden user-pw="hidden too" ! appsink',
            "rtspsrc location=rtsp://***@h/s?*** user-pw=*** ! appsink",
        ),
        (
            'a location="rtsp://a:hid den@h/s" proxy-pw = hidden proxy=http://a:hidden@h ! appsink',
            "a location=rtsp://***@h/s proxy-pw=*** proxy=*** ! appsink",
        ),
        (r"a user-pw=hid\ den user-id='hid\' den' ! b", "a user-pw=*** user-id=*** ! b"),
        ('a user-pw="hid ! den" ! appsink', "a user-pw=*** ! appsink"),
        ('a user-pw="hid den ! appsink', "a user-pw=***"),
        ('a user-pw="hidden\\', "a user-pw=***"),
        (
            r'a extra-headers="b,Authorization=(string)\"Bearer hidden\"" ! appsink',
            "a extra-headers=*** ! appsink",
        ),
        ("a ! application/x-srtp,srtp-key=(buffer)hidden ! appsink", "a ! *** ! appsink"),
        ("rtspsrc location=rtsp://h/s user-pw=hidden", "rtspsrc location=rtsp://h/s user-pw=***"),
    ],
)  # fmt: skip
def test_addresses_are_shown_without_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


FORMS = """
rtsp://{0}@h/live
rtsp://{0}:x@h/live
rtsp://user:{0}@h:554/live
rtsp://user:{0}@h/a?b#c
rtsp://user:a/{0}@h/live
rtsp://user:a?{0}@h/live
rtsp://user:a#{0}@h/live
rtsp://user:a@{0}@h/live
rtsp://user:a {0}@h/live
rtsp:/user:{0}@h/live
user:{0}@h/live
http://h/?p={0}
http://h/a?jwt={0}&x=1
http://h/a?x=1&{0}
http://h?code={0}
http://h/a?login=a:{0}
http://h/a?login=a@{0}
http://h/a?{0}@b
http://h/a#{0}
http://h/a?b#{0}
http://h/a;id={0}
http://h/password={0}/live
http://h/a/{0}
http://h/{0}/index.m3u8
http://h/a/b-{0}.ts
http://h/a.{0}/b
srt://h:1?streamid={0}
srt://h:1?streamid=#!::r=a,u={0}
rtmp://h/app/{0}
rtmp://h/app/{0}/
rtmps://h/{0}
rtmp://h/app/a live=1 token={0}
mqtt://user:{0}@h/faces
opening http://u:{0}@h/x failed: http://h/?x={0}.
a location=rtsp://u:{0}@h/x ! appsink
a location="rtsp://u:{0}@h/x?{0}" ! appsink
a location=rtmp://h/app/{0} ! appsink
a user-pw={0} ! appsink
a user-pw="{0} {0}" ! appsink
a user-pw='{0} ! appsink
a user-pw = {0} ! appsink
a user-pw=x\\ {0} ! appsink
a cookies="b=1; c={0}" ! appsink
a extra-headers="b,Authorization=(string)\\"Bearer {0}\\"" ! appsink
a extra-headers=b,c=(string){0} ! appsink
a proxy=http://u:{0}@h ! b ! appsink
a ! application/x-srtp,key=(buffer){0} ! appsink
a location=rtsp://h/x password={0}
a location="b user-pw={0}" ! appsink
a uri=uri=rtsp://u:{0}@h ! appsink
async:rtmp://h/app/{0}
<rtmp://h/app/{0}> failed
opening 2rtsp://u:{0}@h/x
rtsp://h/x rtsp://u:{0}@h/y
""".strip().splitlines()


TOKENS = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60)
# Any letters and signs but blanks, quotes and backslashes, which end the secret in some forms.
UNQUOTED = st.characters(exclude_categories=["C", "Z"], exclude_characters="\"'\\Q")


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=20)
@given(TOKENS, st.sampled_from(string.digits))
def test_no_part_of_a_token_is_shown(form: str, letters: str, digit: str) -> None:
    secret = letters + digit
    shown = without_secrets(form.format(secret))
    parts = {secret[at : at + 4] for at in range(len(secret) - 3)}
    assert not [part for part in parts if part in shown and part not in form]


SHORT = [
    form for form in FORMS if not form.startswith(("http://h/{", "http://h/a/", "http://h/a."))
]


@pytest.mark.parametrize("form", SHORT)
@settings(max_examples=20)
@given(st.text(st.sampled_from("Q7~!$%&*(),;:<>[]|.@#?/=") | UNQUOTED, max_size=8))
def test_a_short_secret_of_any_characters_is_not_shown(form: str, middle: str) -> None:
    """Where it is not in the path, which cannot be told from a word."""
    assume(not (form.startswith("rtmp") and "/" in middle))  # before the key is the application
    assert "Q" not in without_secrets(form.format(f"Q{middle}Q"))


WORDS = ["rtsp://", "rtmp://h/", "http:/", "***", "%20", "pw=x", "location=", "width=1", " ! "]
PIECES = st.sampled_from(WORDS) | st.sampled_from("/@:?#,.!=\"'\\ \nh") | st.characters()
ANYTHING = st.lists(PIECES, max_size=8).map("".join)


@settings(max_examples=300)
@given(st.sampled_from(["", *WORDS]), ANYTHING)
def test_hiding_twice_changes_nothing(first: str, text: str) -> None:
    shown = without_secrets(first + text)
    assert without_secrets(shown) == shown


def longest(text: str) -> str:
    return 4000 // len(text) * text


@pytest.mark.parametrize("text", [":", "a", " ", "'", "a://", "\\", "location=", "!", "a b"])
def test_long_texts_of_one_kind_are_read_at_once(text: str) -> None:
    """Not drawn: Hypothesis lets functions call themselves more often than Python does."""
    start = time.perf_counter()
    without_secrets(longest(text))
    assert without_secrets(1000 * longest(text)) == "***"
    assert time.perf_counter() - start < 1


@settings(max_examples=20)
@given(ANYTHING.filter(bool))
def test_all_long_texts_are_read_at_once(text: str) -> None:
    start = time.perf_counter()
    without_secrets(longest(text))
    assert time.perf_counter() - start < 1
