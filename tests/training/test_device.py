from __future__ import annotations

import pytest
import torch

from lmk.system.errors import UnavailableError, UsageError
from lmk.training.device import select_compute


def test_precision_is_what_was_asked_for() -> None:
    assert not select_compute("cpu", "fp32").bf16
    assert select_compute("cpu", "bf16").bf16
    with select_compute("cpu", "bf16").autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_missing_gpu_is_an_error_and_not_the_processor() -> None:
    with pytest.raises(UnavailableError, match="0 CUDA devices") as caught:
        select_compute("cuda")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("device", "precision"), [("gpu", "auto"), ("mps:0:1", "auto"), ("cpu", "fp8")]
)
def test_unknown_words_are_wrong_usage(device: str, precision: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        select_compute(device, precision)
