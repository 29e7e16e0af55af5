from __future__ import annotations

from lmk.system.errors import LONGEST, WeightsError


def test_a_long_message_keeps_its_beginning_and_its_remedy() -> None:
    message = f"a.onnx has {'x' * 10**6} in it: export it again"
    said = str(WeightsError(message))
    assert len(said) <= LONGEST
    assert said.startswith("a.onnx has xxx")
    assert said.endswith("xxx in it: export it again")
    assert str(WeightsError("short")) == "short"
