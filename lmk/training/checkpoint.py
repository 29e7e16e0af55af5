"""Checkpoints: everything that a training needs to resume, written completely or not at all."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from lmk.data.packed import is_packed
from lmk.model.manifest import MANIFEST
from lmk.system.errors import TrainingError, UsageError
from lmk.system.files import check_writable, replacing
from lmk.system.lock import check_free, held
from lmk.system.reading import MB, check_regular
from lmk.system.schema import Count, Number, parse_json, read_as
from lmk.training.learner import Learner
from lmk.training.options import OPTIONS

CHECKPOINT, LOCK = "checkpoint.pt", ".lock"
MOST_BYTES = 16_000 * MB


@dataclass(frozen=True)
class Progress:
    """How far a training is, over all calls that resumed it.

    `best` is the lowest loss on the evaluation batch, infinite before the first evaluation.
    """

    steps: Count = 0
    minutes: Number = 0.0
    best: float = math.inf


def check_place(run: Path, resume: bool) -> None:
    """Check, before long work, whether a training can begin in a folder, or resume there.

    Raises TrainingError if it holds a training or a model already, or no training to resume, and
    OutputError, also while another process trains there.
    """
    check_free(run / LOCK, run)
    _check_content(run, resume)


@contextmanager
def reserved(run: Path) -> Iterator[None]:
    """Keep other processes from training in a folder. Raises OutputError while one does."""
    new = not run.exists()
    try:
        with held(run / LOCK, run):
            yield
    finally:
        if new:
            with suppress(OSError):  # not empty: it holds a training
                run.rmdir()


def _check_content(run: Path, resume: bool) -> None:
    there = (run / CHECKPOINT).exists()
    if there and not resume:
        raise TrainingError(
            f"{run} holds a training already: add --resume to continue it, or choose another folder"
        )
    if resume and not there:
        raise TrainingError(f"nothing to resume: no {CHECKPOINT} in {run}")
    if not there and (run / MANIFEST).exists():
        raise TrainingError(f"{run} holds a model, which would be replaced: choose another folder")
    check_writable(run)


def check_apart(run: Path, source: Path) -> None:
    """Check that a training will not write into the folder of its own pictures.

    A run folder below that folder is left out when its pictures are listed. Raises UsageError.
    """
    pictures = source.is_dir() and not is_packed(source)
    if pictures and source.resolve().is_relative_to(run.resolve()):
        raise UsageError(
            f"-o {run} would put sample pictures and models among the pictures of {source}: choose "
            "a folder of its own"
        )


def begin(run: Path) -> Progress:
    """Make the folder of a new training. Raises as `check_place` does."""
    _check_content(run, resume=False)
    with replacing(run / CHECKPOINT) as temporary:  # shows early that the folder can be written
        temporary.touch()
    (run / CHECKPOINT).unlink()
    return Progress()


def save_checkpoint(
    learner: Learner, run: Path, done: Progress, settings: dict[str, Any], compute: str
) -> None:
    """Write a checkpoint in place of the last one; `compute` says where and how it came about.

    Raises TrainingError rather than replace it by weights that are not finite, and OutputError.
    """
    for name, module in learner.modules.items():
        bad = [key for key, value in module.state_dict().items() if not value.isfinite().all()]
        if bad:
            raise TrainingError(
                f"step {done.steps}: {name} is no longer finite ({bad[0]}). The last good "
                "checkpoint is kept; start again with lower rates, or with --precision fp32"
            )
    content = {
        "steps": done.steps,
        "minutes": done.minutes,
        "best": done.best,
        "settings": settings,
        "compute": compute,
        "modules": {name: module.state_dict() for name, module in learner.modules.items()},
        "optimizer": learner.optimizer.state_dict(),
    }
    whole = io.BytesIO()  # torch's own writer of files has no OSError for a full disk
    torch.save(content, whole)
    with replacing(run / CHECKPOINT) as temporary:
        temporary.write_bytes(whole.getbuffer())


def resume_from(
    learner: Learner, run: Path, settings: dict[str, Any]
) -> tuple[Progress, str | None]:
    """Load a run's checkpoint into a learner; returns how far it is, and its `compute`.

    Raises TrainingError when there is none, when it is damaged, when it was made with other
    settings, naming those that differ, or by a version of lmk with different networks.
    """
    content, done = _read(run, settings)
    try:
        modules = content["modules"]
        if "detector" in modules:  # the name of an adaptation's network in earlier versions
            modules["network"] = modules.pop("detector")
        for name, module in learner.modules.items():
            module.load_state_dict(modules[name])
        learner.optimizer.load_state_dict(content["optimizer"])
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{run / CHECKPOINT} is of a version of lmk with different networks: resume with that "
            "version, or start again in another folder"
        ) from error
    return done, content.get("compute")


def check_settings(run: Path, settings: dict[str, Any]) -> None:
    """Check, before long work, that a training can resume; raises as `resume_from` does."""
    _read(run, settings)


def _read(run: Path, settings: dict[str, Any]) -> tuple[dict[str, Any], Progress]:
    _check_content(run, resume=True)
    path = run / CHECKPOINT
    try:
        _check_archive(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        done = read_as(Progress, {key: content[key] for key in ("steps", "minutes", "best")})
        if math.isnan(done.best):
            raise ValueError("best is NaN")
        before = read_as(dict[str, Any], parse_json(json.dumps(content["settings"])))
    except Exception as error:  # torch raises many types for a damaged file
        raise TrainingError(
            f"{path} is damaged ({_first_line(error)}): start again in another folder"
        ) from error
    # A setting that the checkpoint's lmk did not have yet: what it did then is the default.
    defaults = asdict(OPTIONS[settings["task"]]())
    added = {name: value for name, value in defaults.items() if name in settings}
    _compare({**added, **before}, settings)
    return content, done


def _check_archive(path: Path) -> None:
    """Raise an error for a file that would need more memory than its own size.

    torch writes ZIP archives without compression, and reads those with it as well.
    """
    check_regular(path, MOST_BYTES)
    with zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("it is compressed")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [
        f"{key:.60} was {before.get(key)!r:.100} and is {now.get(key)!r:.100}"
        for key in sorted(before.keys() | now.keys())
        if json.dumps(before.get(key)) != json.dumps(now.get(key))
    ]
    if changed:
        raise TrainingError(
            f"cannot resume with other settings: {'; '.join(changed)}. "
            "Give the same ones, as --config RUN does, or start in another folder"
        )
