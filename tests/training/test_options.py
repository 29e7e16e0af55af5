from __future__ import annotations

import math

import pytest

from lmk.errors import UsageError
from lmk.training.options import AdaptOptions, PretrainOptions, preset


def test_the_paper_preset_is_the_papers() -> None:
    """80 epochs of 2,500 iterations of 48, a tenth of the rate every 30 epochs."""
    paper = preset("paper", "finetune")
    assert paper.method == "finetune"
    assert (paper.steps, paper.batch_size, paper.decay_every) == (80 * 2500, 48, 30 * 2500)
    assert (paper.beta, paper.sigma) == (10, math.sqrt(0.5))
    assert paper.equivariance == paper.separation == 0
    assert (paper.perceptual, paper.perceptual_size, paper.generator_width) == ("vgg19", 128, 64)
    assert (paper.rotation, paper.degrees, paper.degrees_deformed) == ("normal", 30, 15)


def test_finetuning_has_a_smaller_rate_in_the_fast_preset_alone() -> None:
    for method in ("finetune", "last-layers", "finetune-after-projection"):
        assert preset("fast", method).rate_body < preset("fast", "projection").rate_body
        assert preset("paper", method).rate_body == preset("paper", "projection").rate_body
    assert preset("fast", "scratch") == AdaptOptions("scratch")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "guess"}, "--method 'guess': expected one of projection, finetune, scratch"),
        ({"keypoints": 65}, "--keypoints 65: expected 1 to 64"),
        ({"batch_size": 1}, "--batch-size 1: expected at least 2"),
        ({"separation_scale": 0.0}, r"--separation-scale 0.0: expected at least 0\.001"),
        ({"reconstruction": 0.0, "equivariance": 0.0}, "nothing to learn from"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        AdaptOptions(**settings)


def test_a_cores_settings_are_checked_too() -> None:
    with pytest.raises(UsageError, match="--degrees 200: expected 0 to 180"):
        PretrainOptions(degrees=200)


def test_unknown_presets_are_named() -> None:
    with pytest.raises(UsageError, match="no preset 'slow': expected one of fast, paper"):
        preset("slow")
