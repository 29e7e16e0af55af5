from __future__ import annotations

import math

import pytest

from lmk.system.errors import UsageError
from lmk.training.options import (
    AdaptOptions,
    DistillOptions,
    PretrainOptions,
    RunOptions,
    divide,
    preset,
)


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
        ({"separation_scale": 0.0}, r"--separation-scale 0: expected at least 0\.001"),
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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 1.5}, "--steps 1.5: expected a whole number"),
        ({"steps": True}, "--steps True: expected a whole number"),
        ({"batch_size": None}, "--batch-size None: expected a whole number"),
        ({"flip": "no"}, "--flip 'no': expected true or false"),
        ({"rate_body": "fast"}, "--rate-body 'fast': expected a number"),
        ({"rate_body": [1e-3]}, "--rate-body .*: expected a number"),
        ({"perceptual_layers": 3}, "--perceptual-layers 3: expected a word"),
        ({"method": ["projection"]}, "--method .*: expected one of projection"),
    ],
)
def test_values_of_another_kind_are_named(settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        AdaptOptions(**settings)


def test_numbers_as_yaml_gives_them_are_taken() -> None:
    options = AdaptOptions(rate_body="1e-3", zoom=1)  # type: ignore[arg-type]
    assert (options.rate_body, options.zoom) == (0.001, 1.0)
    assert RunOptions(max_minutes=None).max_minutes is None
    assert RunOptions(max_minutes=3).max_minutes == 3.0


def test_settings_are_divided_between_a_training_and_its_run() -> None:
    own, run = divide({"steps": 5, "max_minutes": 1.5}, DistillOptions, "lmk distill")
    assert own == {"steps": 5}
    assert run == RunOptions(max_minutes=1.5)
    with pytest.raises(UsageError, match="unknown option stepz: expected names of lmk distill's"):
        divide({"stepz": 5}, DistillOptions, "lmk distill")


@pytest.mark.parametrize(
    ("name", "value"), [("seed", 2**70), ("zoom", math.inf), ("learning_rate", math.nan)]
)
def test_numbers_are_finite(name: str, value: float) -> None:
    with pytest.raises(UsageError, match="expected a finite number"):
        DistillOptions(**{name: value})
