from __future__ import annotations

import time

import pytest

from lmk.bench import peaks
from lmk.bench.peaks import Limits
from lmk.bench.process import ProcessError
from lmk.bench.products import Product


def test_the_fastest_of_all_turns_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter(
        [
            ({"openvino": 3e11, "torch": 2e11}, 1e10),
            ({"openvino": 1e11, "torch": 4e11}, 3e10),
            ({"openvino": 2e11, "torch": 1e11}, 2e10),
        ]
    )
    limits = limits_that_measure(turns, monkeypatch)
    for _ in range(3):
        limits.measure("cpu", 2, "bf16")
    best = limits.peak("cpu", 2, "bf16")
    assert best is not None
    assert (best.operations_per_s, best.computed_by) == (4e11, "torch")
    assert [copy.bytes_per_s for copy in limits.bandwidths] == [3e10]


def test_places_and_precisions_have_limits_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([({"torch": 1.0}, 5.0), ({"torch": 2.0}, None), ({}, 7.0)])
    limits = limits_that_measure(turns, monkeypatch)
    limits.measure("cpu", None, "fp32")
    limits.measure("cuda", None, "fp32")
    limits.measure("cpu", 1, "int8")
    found = {(p.device, p.threads, p.precision): p.operations_per_s for p in limits.peaks}
    assert found == {("cpu", None, "fp32"): 1.0, ("cuda", None, "fp32"): 2.0}
    assert limits.peak("cpu", 1, "int8") is None
    assert limits.bandwidth("cuda", None) is None
    assert [(b.threads, b.bytes_per_s) for b in limits.bandwidths] == [(None, 5.0), (1, 7.0)]


def test_a_turn_times_every_product_and_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(name: str, operations: int, wait_s: float) -> Product:
        return Product(name, operations, lambda: time.sleep(wait_s))

    made = [waits("slow", 2_000_000, 0.02), waits("fast", 8_000, 0.01)]
    made += [waits("fast", 2_000_000, 0.005), waits("fast", 1_000, 0.001)]
    monkeypatch.setattr(peaks, "products", lambda *_: made)
    monkeypatch.setattr(peaks, "copy", lambda *_: lambda: time.sleep(0.01))
    monkeypatch.setattr(peaks, "COPY_BYTES", {"cpu": 10_000})
    rates, copied = peaks._turn("cpu", 2, "int8", seconds=0)
    assert 0.5 * 2e6 / 0.005 < rates["fast"] <= 2e6 / 0.005
    assert 0.5 * 2e6 / 0.02 < rates["slow"] <= 2e6 / 0.02
    assert copied is not None
    assert 0.5 * 2e4 / 0.01 < copied <= 2e4 / 0.01


def test_a_crash_is_told_and_the_next_turn_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "_turn", die)
    with Limits(0.01) as limits:
        for _ in range(2):
            with pytest.raises(ProcessError, match="the product in fp32 crashed"):
                limits.measure("cpu", None, "fp32")
        assert limits.peaks == []


def die(*_: object) -> None:
    import os

    os._exit(3)


def limits_that_measure(turns: object, monkeypatch: pytest.MonkeyPatch) -> Limits:
    class Pool:
        def submit(self, *_: object) -> Pool:
            return self

        def result(self) -> object:
            return next(turns)  # type: ignore[call-overload]

    monkeypatch.setattr(peaks, "ProcessPoolExecutor", lambda *_, **__: Pool())
    return Limits(0.01)


def test_a_turn_that_fails_is_told_and_the_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with Limits(0.0) as limits:
        monkeypatch.setattr(peaks, "_turn", fail)
        with pytest.raises(ProcessError, match="the product in fp16 failed: out of memory"):
            limits.measure("cpu", None, "fp16")
        monkeypatch.setattr(peaks, "_turn", give)
        limits.measure("cpu", None, "fp16")
        assert limits.peak("cpu", None, "fp16") is not None


def fail(*_: object) -> None:
    raise MemoryError("out of memory")


def give(*_: object) -> tuple[dict[str, float], None]:
    return {"torch": 1e9}, None
