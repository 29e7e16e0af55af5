"""Settings of the trainings, with the help and the ranges that the command line shows.

Free of torch, so that this help is instant.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lmk.architectures.catalogue import ARCHITECTURES, DEFAULT
from lmk.system.errors import UsageError

Method = Literal["projection", "finetune", "scratch", "last-layers", "finetune-after-projection"]
Scope = Literal["all", "3x3"]
Features = Literal["core", "vgg19"]
Norm = Literal["relative", "mse", "l1", "l2"]
Decay = Literal["cosine", "steps"]
Rotation = Literal["uniform", "normal"]
Towards = Literal["core", "zero"]
Preset = Literal["fast", "paper"]
Size = Literal["small", "tiny"]

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
_LANDMARKS, _LOSS = "Landmarks", "Terms of the loss"
_OPTIMISER, _VIEWS, _RUN = "Optimiser", "The two views of a picture", "The run"
_AUGMENTATION, _LABELS = "Augmentation", "The teacher's landmarks"


def _setting(
    default: Any, text: str, panel: str | None = None, low: float | None = None, high: Any = None
) -> Any:
    return field(default=default, metadata={"help": text, "panel": panel, "min": low, "max": high})


MOST = 2**63  # of seeds, for torch


class _Checked:
    """Base of settings: a value of another kind, or outside its range, is a UsageError."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for setting in fields(self):  # type: ignore[arg-type]
            name, value = setting.name, getattr(self, setting.name)
            option = f"--{name.replace('_', '-')}"
            value = _typed(value, hints[name], option)
            object.__setattr__(self, name, value)
            if value is None or isinstance(value, str):
                continue
            if not abs(value) < MOST:
                raise UsageError(f"{option} {value:g}: expected a finite number, below 2^63")
            low, high = setting.metadata["min"], setting.metadata["max"]
            if (low is not None and value < low) or (high is not None and value > high):
                bounds = f"at least {low}" if high is None else f"{low} to {high}"
                raise UsageError(f"{option} {value:g}: expected {bounds}")


def _typed(value: Any, kind: Any, option: str) -> Any:
    """A value as the kind that a setting has; files may hold any."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(f"{option} {value!r:.60}: expected one of {', '.join(get_args(kind))}")
        return value
    if value is None and type(None) in get_args(kind):
        return None
    kind = next(iter(get_args(kind)), kind)  # of `float | None`
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and (number or isinstance(value, str)):  # YAML takes 1e-3 for a string
        with suppress(ValueError):
            return float(value)
    elif type(value) is kind:
        return value
    raise UsageError(f"{option} {value!r:.60}: expected {KINDS[kind]}")


@dataclass(frozen=True)
class RunOptions(_Checked):
    """How long a run lasts and what it leaves: nothing that changes its result."""

    max_minutes: float | None = _setting(
        None, "Stop cleanly after this time, with a checkpoint to resume from.", _RUN, 0
    )
    checkpoint_minutes: float = _setting(2.0, "Time between checkpoints.", _RUN, 0)
    log_every: int = _setting(10, "Steps between rows of log.csv.", _RUN, 1)
    look_every: int = _setting(
        100, "Steps between evaluations on a fixed batch: picture, warnings, best model.", _RUN, 1
    )
    snapshot_every: int | None = _setting(None, "Steps between snapshots of the model.", _RUN, 1)
    keep: int = _setting(0, "Snapshots to keep, the last N; 0 keeps all.", _RUN, 0)


def divide(settings: dict[str, Any], own: type, command: str) -> tuple[dict[str, Any], RunOptions]:
    """Divide a command's settings into those of its own options and the options of the run.

    Raises UsageError for a name that neither has.
    """
    names, run_names = ({field.name for field in fields(each)} for each in (own, RunOptions))
    if unknown := sorted(settings.keys() - names - run_names):
        raise UsageError(
            f"unknown option {', '.join(unknown)}: expected names of {command}'s options, such as "
            "steps, seed or max_minutes"
        )
    run = {name: value for name, value in settings.items() if name in run_names}
    return {name: settings[name] for name in settings.keys() - run_names}, RunOptions(**run)


@dataclass(frozen=True)
class PretrainOptions(_Checked):
    """Settings of a core's training; defaults are those of the shipped core, except the steps."""

    architecture: str = _setting(
        DEFAULT,
        f"Network to start from random weights, without --core: {', '.join(ARCHITECTURES)}.",
    )
    steps: int = _setting(6000, "Optimiser steps.", None, 1)
    batch_size: int = _setting(24, "Pictures per step, over all processes.", None, 2)
    seed: int = _setting(0, "Seed of weights, order and transforms.", None, 0)
    learning_rate: float = _setting(5e-4, "Peak rate of AdamW.", _OPTIMISER, 0)
    weight_decay: float = _setting(1e-4, "AdamW's weight decay.", _OPTIMISER, 0)
    warm_up: float = _setting(0.05, "Share of the steps to reach the peak rate.", _OPTIMISER, 0, 1)
    degrees: float = _setting(30.0, "Rotation up to +- this.", _AUGMENTATION, 0, 180)
    zoom: float = _setting(0.25, "Zoom up to 1 + this, in or out.", _AUGMENTATION, 0)
    shift: float = _setting(0.06, "Shift up to this share of the side.", _AUGMENTATION, 0)
    color: float = _setting(0.2, "Gain of each colour up to 1 +- this.", _AUGMENTATION, 0, 1)


@dataclass(frozen=True)
class DistillOptions(_Checked):
    """Settings of a distillation; see benchmarks/README.md for how they were chosen."""

    size: Size = _setting("small", "Size of the student.")
    steps: int = _setting(1500, "Optimiser steps.", None, 1)
    batch_size: int = _setting(64, "Pictures per step, over all processes.", None, 2)
    seed: int = _setting(0, "Seed of weights, order and transforms.", None, 0)

    views: int = _setting(2, "Views of each picture whose landmarks are averaged.", _LABELS, 1, 64)
    mirror: bool = _setting(
        True,
        "Also use mirrored views, to average and to train, if mirror partners of the landmarks are "
        "found.",
        _LABELS,
    )
    weight_by_spread: bool = _setting(
        False, "Weight landmarks by how well the views of their picture agree.", _LABELS
    )

    beta: float = _setting(1.0, "Sharpness of the softargmax.", _LOSS, 1e-3)
    sigma: float = _setting(
        1.0,
        "Width of the peak that a heatmap learns, exp(-d^2/(2 sigma^2)), in heatmap px.",
        _LOSS,
        0.1,
        16,
    )

    learning_rate: float = _setting(2e-3, "Peak rate of AdamW.", _OPTIMISER, 0)
    weight_decay: float = _setting(1e-2, "AdamW's weight decay.", _OPTIMISER, 0)
    warm_up: float = _setting(0.3, "Share of the steps to reach the peak rate.", _OPTIMISER, 0, 1)

    degrees: float = _setting(30.0, "Rotation up to +- this.", _AUGMENTATION, 0, 180)
    zoom: float = _setting(0.25, "Zoom up to 1 + this, in or out.", _AUGMENTATION, 0)
    shift: float = _setting(0.12, "Shift up to this share of the side.", _AUGMENTATION, 0)
    color: float = _setting(0.2, "Gain of each colour up to 1 +- this.", _AUGMENTATION, 0, 1)


@dataclass(frozen=True)
class AdaptOptions(_Checked):
    """Settings of an adaptation, under the names that they have on the command line.

    Defaults are the preset "fast".
    """

    method: Method = _setting("projection", "What is learnable, and where it starts.")
    steps: int = _setting(1000, "Optimiser steps.", None, 1)
    batch_size: int = _setting(16, "Pairs per step, over all processes.", None, 2)
    seed: int = _setting(0, "Seed of weights, order and transforms.", None, 0)

    keypoints: int = _setting(10, "Number of landmarks to discover.", _LANDMARKS, 1, 64)
    projections: Scope = _setting(
        "all",
        "Which convolutions have projections. all: every one except the head; 3x3: only those of "
        "the residual blocks, and the others are finetuned.",
        _LANDMARKS,
    )
    beta: float = _setting(10.0, "Sharpness of the softargmax.", _LANDMARKS, 1e-3)
    sigma: float = _setting(
        0.5**0.5, "Width of a landmark's peak, exp(-d^2/sigma^2), in heatmap px.", _LANDMARKS, 1e-3
    )

    reconstruction: float = _setting(
        1.0, "Weight of the reconstruction; 0 removes the generator.", _LOSS, 0
    )
    reconstruction_from: float = _setting(
        0.0, "Share of the steps before the reconstruction begins.", _LOSS, 0, 1
    )
    generator_width: int = _setting(
        16, "Channels of the generator's first layer; 64 in the paper.", _LOSS, 1, 512
    )
    perceptual: Features = _setting(
        "core", "Features that compare pictures: early ones of the core, or of VGG-19.", _LOSS
    )
    perceptual_factor: float = _setting(3.0, "Weight of features beside pixels.", _LOSS, 0)
    perceptual_layers: str = _setting(
        "all",
        "all, or names with commas: stem,block3 of the core, or relu1_2,relu3_1 of VGG-19.",
        _LOSS,
    )
    perceptual_norm: Norm = _setting(
        "relative",
        "Distance of features. relative: squared, divided by the features' mean square; mse: "
        "squared; l1; l2.",
        _LOSS,
    )
    perceptual_size: int = _setting(
        64, "Side in px at which features are compared.", _LOSS, 16, 128
    )
    equivariance: float = _setting(
        1.0, "Weight of the term that moves landmarks with the picture.", _LOSS, 0
    )
    separation: float = _setting(1.0, "Weight of the term that keeps landmarks apart.", _LOSS, 0)
    separation_scale: float = _setting(
        1.5, "How far apart landmarks keep, in heatmap px.", _LOSS, 1e-3
    )
    geometric_fade: float = _setting(
        1.0,
        "Share of the steps after which equivariance and separation fade to 0; 1: no fade.",
        _LOSS,
        0,
        1,
    )

    rate_body: float = _setting(
        1e-3, "Peak rate of projections or weights; 0.0003 where finetuning.", _OPTIMISER, 0
    )
    rate_head: float = _setting(1e-3, "Peak rate of the head.", _OPTIMISER, 0)
    rate_generator: float = _setting(2e-3, "Peak rate of the generator.", _OPTIMISER, 0)
    decay: Decay = _setting(
        "cosine",
        "cosine: rates fall to 0; steps: multiplied by 0.1 every --decay-every steps.",
        _OPTIMISER,
    )
    decay_every: int = _setting(
        1000, "Steps between two multiplications by 0.1, for --decay steps.", _OPTIMISER, 1
    )
    warm_up: float = _setting(0.05, "Share of the steps to reach the peak rates.", _OPTIMISER, 0, 1)
    weight_decay: float = _setting(
        0.0, "Adam's L2 penalty, on everything learnable.", _OPTIMISER, 0
    )
    weight_decay_to: Towards = _setting(
        "core", "What the penalty pulls projections to. core: the identity; zero: 0.", _OPTIMISER
    )

    rotation: Rotation = _setting(
        "uniform", "Angles uniform in +- degrees, or normal with that deviation.", _VIEWS
    )
    degrees: float = _setting(
        25.0, "Rotation of the view that is reconstructed, +- degrees.", _VIEWS, 0, 180
    )
    degrees_deformed: float = _setting(
        25.0, "Rotation of the view that it is reconstructed from, +- degrees.", _VIEWS, 0, 180
    )
    zoom: float = _setting(0.2, "Zoom up to 1 + this, in or out.", _VIEWS, 0)
    shift: float = _setting(0.08, "Shift up to this share of the side.", _VIEWS, 0)
    flip: bool = _setting(
        False,
        "Mirror both views of half of the pictures alike; landmarks do not swap.",
        _VIEWS,
    )
    color: float = _setting(0.2, "Gain of each colour up to 1 +- this.", _VIEWS, 0, 1)
    noise: float = _setting(
        0.0,
        "Gaussian noise added to the network's input; largest standard deviation, 1 is white.",
        _VIEWS,
        0,
        1,
    )
    warp: float = _setting(
        0.0,
        "Bend the second view by a smooth random field; its standard deviation as a share of the "
        "side, such as 0.03.",
        _VIEWS,
        0,
        0.1,
    )
    occlusion: float = _setting(
        0.0,
        "Share of the pictures in which a rectangle of one colour hides a part from the network.",
        _VIEWS,
        0,
        1,
    )
    blur: float = _setting(
        0.0, "Share of the pictures that the network sees blurred, by 5 x 5 px.", _VIEWS, 0, 1
    )
    mirror: bool = _setting(
        False,
        "Mirror half of the second views; in these, each landmark swaps with its mirror partner. "
        "Partners are found once.",
        _VIEWS,
    )
    mirror_from: float = _setting(
        0.2, "Share of the steps before the mirror partners are searched for.", _VIEWS, 0, 1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.reconstruction or self.equivariance):
            raise UsageError(
                "nothing to learn from: --reconstruction and --equivariance are both 0"
            )

    @property
    def needs_core(self) -> bool:
        """Whether a core is started from, or its features are compared."""
        return self.method != "scratch" or (self.perceptual == "core" and self.reconstruction > 0)


OPTIONS = {"pretrain": PretrainOptions, "train": AdaptOptions, "distill": DistillOptions}
"""The settings of each training, by its command."""

# Everything as in Sanchez and Tzimiropoulos (2019), or as in its authors' public code where the
# paper is silent or contradicts itself: its text calls the perceptual distance an l1 norm, its
# formula writes a plain norm, the code uses the squared one. Neither says how far views are zoomed
# and shifted. How the generator grows pictures is ours, see networks/generator.py.
PAPER = AdaptOptions(
    steps=200_000,
    batch_size=48,
    generator_width=64,
    perceptual="vgg19",
    perceptual_factor=1.0,
    perceptual_norm="mse",
    perceptual_size=128,
    equivariance=0.0,
    separation=0.0,
    rate_body=1e-3,
    rate_head=1e-3,
    rate_generator=1e-3,
    decay="steps",
    decay_every=75_000,
    warm_up=0.0,
    weight_decay=5e-4,
    weight_decay_to="zero",
    rotation="normal",
    degrees=30.0,
    degrees_deformed=15.0,
    color=0.0,
)


def preset(name: Preset, method: Method = "projection") -> AdaptOptions:
    """Settings of a preset for a method.

    `fast` was found by measurement, see benchmarks; weights that start from the core's take a
    smaller rate there than projections and random weights. Raises UsageError.
    """
    if name not in get_args(Preset):
        raise UsageError(f"no preset {name!r}: expected one of {', '.join(get_args(Preset))}")
    if name == "paper":
        return replace(PAPER, method=method)
    fast = AdaptOptions(method=method)
    return fast if method in ("projection", "scratch") else replace(fast, rate_body=3e-4)
