from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

SCRIPTS = Path(__file__).parents[2] / "benchmarks"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("PYTHONPATH", f"{SCRIPTS}:{Path(__file__).parents[1]}")


def slow(milliseconds: float):
    return lambda _: time.sleep(milliseconds / 1000)


def broken():
    raise RuntimeError("no compiler here\nand a long story")


def test_contenders_take_turns_and_one_that_cannot_work_says_why() -> None:
    from turns import in_turns

    contenders = {"fast": (slow, (1,)), "broken": (broken, ()), "slow": (slow, (12,))}
    found = in_turns(contenders, 0.1)
    assert list(found) == list(contenders)
    assert found["broken"] == {"why_not": "no compiler here"}
    assert found["slow"]["p50"] >= 12
    assert found["fast"]["p50"] < found["slow"]["p50"]
    assert found["slow"]["count"] >= 25  # five rounds of five calls at least


def test_bars_are_as_long_as_their_values_and_names_are_escaped(tmp_path: Path) -> None:
    from output import bar_rows, save_chart

    save_chart(bar_rows([("a < b", 20.0), ("c", 5.0)], "ms & more"), tmp_path / "bars.svg")
    root = ElementTree.parse(tmp_path / "bars.svg").getroot()
    assert root.tag == f"{SVG}svg"
    ground, *bars = root.findall(f"{SVG}rect")
    assert ground.get("fill") == "white"
    first, second = (float(bar.get("width")) for bar in bars)
    assert first == pytest.approx(4 * second, rel=0.01)
    words = [text.text for text in root.findall(f"{SVG}text")]
    assert words == ["a < b", "20.0", "c", "5.00", "ms & more"]


def test_scaling_doubles_the_threads_up_to_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import scaling

    for cores, expected in ((1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6))):
        monkeypatch.setattr(scaling, "usable_cores", lambda cores=cores: list(range(cores)))
        assert scaling.doubled() == expected
