from __future__ import annotations

import time

import numpy as np
import onnxruntime
import pytest

from lmk.bench import peaks
from lmk.bench.operations import Cost
from lmk.bench.peaks import Bandwidth, Peak
from lmk.bench.roofline import roofline

COST = Cost(macs=500_000, other_operations=9, weights=10_000, activations=40_000)
PEAK = Peak("cpu", "fp16", 2, 4e9, "some runtime")


def test_shares_by_hand() -> None:
    # 10^6 operations in 0.5 ms are half of the peak's rate; 3000 pictures a second three quarters.
    found = roofline(COST, "fp16", 0.5, [1000, 3000, 2900], PEAK, Bandwidth("cpu", 2, 1e9))
    assert found.operations_per_s == pytest.approx(2e9)
    assert found.share_of_peak == pytest.approx(0.5)
    assert found.share_of_peak_in_batches == pytest.approx(0.75)
    # 10 operations a byte at 10^9 bytes a second: memory allows more than the arithmetic does.
    assert found.bytes == 100_000
    assert (found.bound_per_s, found.bound_by) == (4e9, "arithmetic")


def test_slow_memory_is_the_lower_limit() -> None:
    found = roofline(COST, "fp16", 0.5, [1000], PEAK, Bandwidth("cpu", 2, 0.25e9))
    assert (found.bound_per_s, found.bound_by) == (pytest.approx(2.5e9), "memory")
    assert found.share_of_bound == pytest.approx(0.8)


def test_the_fastest_of_the_runtimes_is_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = {"slow": 0.02, "fast": 0.005}

    def products(*_: object) -> list:
        return [(name, lambda wait=wait: time.sleep(wait)) for name, wait in waits.items()]

    monkeypatch.setattr(peaks, "_products", products)
    monkeypatch.setattr(peaks, "SIZES", {"cpu": 100})
    monkeypatch.setattr(peaks, "COPY_BYTES", {"cpu": 2**20})
    job = {"device": "cpu", "precisions": ["int8"], "threads": 2, "seconds": 0}
    found = peaks._measure(job)
    (peak,) = found["peaks"]
    assert (peak["computed_by"], peak["precision"], peak["threads"]) == ("fast", "int8", 2)
    assert 0.5 * 2e6 / 0.005 < peak["operations_per_s"] <= 2e6 / 0.005
    assert found["bandwidth"]["bytes_per_s"] > 1e7


def test_every_runtime_here_multiplies_in_the_precisions_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peaks, "SIZES", {"cpu": 64})
    for precision, expected in (("fp32", {"onnxruntime", "openvino", "torch"}), ("fp16", set())):
        products = dict(peaks._products("cpu", precision, 1))
        assert set(products) == expected
        for product in products.values():
            product()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_product_is_the_one_that_is_counted(precision: str) -> None:
    graph, x = peaks._graph(64, precision)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    y = session.run(None, {"x": x})[0]
    assert y.shape == (64, 64)
    rng = np.random.default_rng(0)
    rng.integers(0, 255, (64, 64))  # x itself
    if precision == "fp32":
        w = rng.standard_normal((64, 64)).astype(np.float32)
        np.testing.assert_allclose(y, x @ w, rtol=1e-3, atol=0.05)
    else:
        w = rng.integers(-127, 127, (64, 64)).astype(np.int64)
        real = (x.astype(np.int64) - 128) @ w * peaks.QUANTUM
        np.testing.assert_allclose(y, np.clip(np.round(real + 128), 0, 255), atol=1)
