from __future__ import annotations

import sys

import pytest

from lmk.video.display import has_display

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is one")


@pytest.mark.parametrize("name", [None, "", ":97", "localhost:97", "no display at all"])
def test_a_display_that_cannot_be_opened_is_none(
    monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    if name is None:
        monkeypatch.delenv("DISPLAY", raising=False)
    else:
        monkeypatch.setenv("DISPLAY", name)
    assert not has_display()
