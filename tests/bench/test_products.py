from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnxruntime
import pytest

from lmk.bench import products


@pytest.fixture(autouse=True)
def none_kept_of_other_sizes() -> Iterator[None]:
    yield
    products.products.cache_clear()
    products.copy.cache_clear()


def test_every_runtime_here_multiplies_in_the_precisions_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(products.SIZES, "cpu", (64, 48))
    for precision, expected in (("fp32", {"onnxruntime", "openvino", "torch"}), ("fp16", set())):
        found = products.products("cpu", precision, 1)
        assert {product.computed_by for product in found} == expected
        assert {product.operations for product in found} == (
            {524_288, 221_184} if expected else set()
        )
        for product in found:
            product.call()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_product_is_the_one_that_is_counted(precision: str) -> None:
    graph, x = products._graph(64, precision)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    y = session.run(None, {"x": x})[0]
    assert y.shape == (64, 64)
    rng = np.random.default_rng(0)
    rng.integers(0, 255, (64, 64))  # x itself
    if precision == "fp32":
        w = rng.standard_normal((64, 64)).astype(np.float32)
        np.testing.assert_allclose(y, x @ w, rtol=1e-3, atol=0.05)
    else:
        w = rng.integers(-63, 64, (64, 64)).astype(np.int64)
        real = (x.astype(np.int64) - 128) @ w * products.QUANTUM
        np.testing.assert_allclose(y, np.clip(np.round(real + 128), 0, 255), atol=1)
