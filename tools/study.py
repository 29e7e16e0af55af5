"""Run a study: train every row of a YAML file with every seed, evaluate, and write its tables.

python tools/study.py tools/studies/methods.yaml --data-root DATA -o DIR [--only NAME ...]

A study can be stopped and started again at any time: existing results are kept, an interrupted
training is resumed. Files in the YAML file are below the data root, the study's own runs below
DIR/runs. Tables and chart are written again after every row, with the paper's figures beside ours.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from study_chart import write_chart
from study_tables import TABLES, write_tables

from lmk.system.errors import LmkError, UsageError
from lmk.system.files import replacing
from lmk.training.checkpoint import CHECKPOINT
from lmk.training.config_file import CONFIG

Command = Callable[[list[str]], None]
Options = dict[str, Any]

PATHS = ("data", "images", "val", "perceptual-weights", "regressor-data")
RESULTS, RUNS, SUBSETS, CHART = "results", "runs", "data", "chart.svg"


@dataclass(frozen=True)
class Study:
    """The content of a YAML file.

    train: options of `lmk train` for all rows. runs: further options per row, which take
    precedence; a `core` that begins with `runs/` is a run of this study, with {seed} in its name.
    pretrain: options of `lmk pretrain` for a core that all rows share, in runs/core. evaluate:
    options of `lmk eval`; a row can add its own `evaluate`. A row with its own `seeds` has no
    others. `pictures: N` in any of them uses N random pictures, null omits an option. paper: which
    of the paper's figures to show. smoke: options that reduce everything to seconds.
    """

    title: str
    about: str
    evaluate: Options
    train: Options
    runs: dict[str, Options]
    seeds: list[int]
    pretrain: Options = field(default_factory=dict)
    paper: Options = field(default_factory=dict)
    smoke: dict[str, Options] = field(default_factory=dict)


def read_study(file: Path) -> Study:
    """Read a study. Raises UsageError that names missing or unknown entries."""
    try:
        return Study(**yaml.safe_load(file.read_text()))
    except (OSError, TypeError, yaml.YAMLError) as error:
        raise UsageError(f"{file} is not a study: {error}") from error


class Runner:
    """Runs a study in its folder."""

    def __init__(self, study: Study, root: Path, folder: Path, lmk: Command, smoke: bool) -> None:
        # Whole paths, so that files of the study are told from those below the data root.
        self.study, self.root, self.folder, self.lmk = study, root.resolve(), folder.resolve(), lmk
        self.smoke = study.smoke if smoke else {}

    def run(self, only: list[str] | None = None) -> None:
        """Do all work that is not done yet."""
        unknown = sorted(set(only or []) - self.study.runs.keys())
        if unknown:
            raise UsageError(
                f"unknown row {', '.join(unknown)}: expected some of {', '.join(self.study.runs)}"
            )
        rows = {name: self.study.runs[name] for name in only or self.study.runs}
        wanted = [
            (name, seed)
            for seed in self.study.seeds
            for name, row in rows.items()
            if seed in row.get("seeds", [seed])
        ]
        done = {row for row in wanted if self._is_done(*row)}
        if self.study.pretrain:
            self._pretrain()
        for row in wanted:
            if row not in done:
                self._row(*row)
            write_tables(self.study.title, self.study.about, self.study.paper, self.folder)
            write_chart(self.folder / TABLES, self.folder / CHART)

    def _pretrain(self) -> None:
        self._train("pretrain", self._asked_of_core(), self.folder / RUNS / "core")

    def _asked_of_core(self) -> Options:
        return {**self.study.pretrain, **self.smoke.get("pretrain", {})}

    def _train(self, command: str, options: Options, run: Path) -> None:
        """Train to the end, unless done. Raises UsageError if the run has other options."""
        options = self._resolved(options)
        check_options(run, options)
        if not finished(run):
            self.lmk([command, *words(options), "-o", str(run), *resume(run)])

    def _is_done(self, name: str, seed: int) -> bool:
        """Whether a row's result exists. Raises UsageError if it was made with other options."""
        result = self._result(name, seed)
        if not result.exists():
            return False
        made, asked = json.loads(result.read_text()), self._asked(name, seed)
        if {key: made.get(key) for key in asked} != asked:
            run = self.folder / RUNS / f"{name}-s{seed}"
            raise UsageError(
                f"{result} was made with other options: choose another folder, or delete it, and "
                f"also {run} if options of its training changed"
            )
        return True

    def _result(self, name: str, seed: int) -> Path:
        return self.folder / RESULTS / f"{name}-s{seed}.json"

    def _asked(self, name: str, seed: int) -> dict[str, Options]:
        """Options of a row's training and of its evaluation."""
        smoke = {**self.smoke.get("train", {}), **self.smoke.get("runs", {}).get(name, {})}
        row = dict(self.study.runs[name])
        row.pop("seeds", None)
        evaluation = {**self.study.evaluate, **row.pop("evaluate", {})}
        options = self._with_own_core({**self.study.train, **row, **smoke, "seed": seed}, seed)
        asked = {"options": options, "evaluate": {**evaluation, **self.smoke.get("evaluate", {})}}
        return {**asked, "pretrain": self._asked_of_core()} if self.study.pretrain else asked

    def _row(self, name: str, seed: int) -> None:
        run, asked = self.folder / RUNS / f"{name}-s{seed}", self._asked(name, seed)
        self._train("train", self._subset(asked["options"], seed), run)
        record = self.folder / RUNS / f"{name}-s{seed}.json"
        evaluate = self._resolved(self._subset(asked["evaluate"], 0))
        self.lmk(["eval", str(run), *words(evaluate), "--json", str(record)])
        training = json.loads((run / "manifest.json").read_text())["training"]
        content = {"row": name, "seed": seed, **asked, "training": training}
        with replacing(self._result(name, seed)) as temporary:
            evaluated = {"evaluation": json.loads(record.read_text())}
            temporary.write_text(json.dumps({**content, **evaluated}, indent=1) + "\n")

    def _with_own_core(self, options: Options, seed: int) -> Options:
        core = str(options.get("core", ""))
        if core.startswith(f"{RUNS}/"):
            return {**options, "core": str(self.folder / core.format(seed=seed))}
        return options

    def _subset(self, options: Options, seed: int) -> Options:
        """Replace the data of options with `pictures` by a COCO file of this number of pictures."""
        options = dict(options)
        pictures = options.pop("pictures", None)
        if pictures is None:
            return options
        source = self.root / options["data"]
        content = json.loads(source.read_text())
        chosen = random.Random(seed).sample(
            content["images"], min(pictures, len(content["images"]))
        )
        linked = self._linked(source.parent)
        for image in chosen:
            beside = linked / image["file_name"]
            found = beside if beside.exists() else linked / "images" / image["file_name"]
            image["file_name"] = found.relative_to(linked.parent).as_posix()
        file = self.folder / SUBSETS / f"{source.parent.name}-{pictures}-s{seed}.json"
        with replacing(file) as temporary:
            temporary.write_text(json.dumps({**content, "images": chosen}))
        return {**options, "data": str(file)}

    def _linked(self, source: Path) -> Path:
        """Link a set's folder beside the subsets, which may not name pictures elsewhere."""
        link = self.folder / SUBSETS / source.name
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source.resolve())
        return link

    def _resolved(self, options: Options) -> Options:
        """Options with files below the data root; None stays where it means no file."""
        return {
            name: str(self.root / value) if name in PATHS and value is not None else value
            for name, value in options.items()
            if name in PATHS or value is not None
        }


def words(options: Options) -> list[str]:
    """Options as words of a command line."""
    flags = {True: "--", False: "--no-"}
    line = []
    for name, value in options.items():
        if isinstance(value, bool):
            line.append(f"{flags[value]}{name}")
        elif value is not None:
            line += [f"--{name}", str(value)]
    return line


def check_options(run: Path, options: Options) -> None:
    """Raise UsageError if the config.yaml of a run has other options.

    It does not contain options that do not affect the result, such as those of snapshots.
    """
    file = run / CONFIG
    if not file.exists():
        return
    begun = yaml.safe_load(file.read_text())
    other = [name for name in options.keys() & begun if not _same(begun[name], options[name])]
    if other:
        raise UsageError(
            f"{run} was trained with another {', '.join(sorted(other))}: choose another folder or "
            "delete it"
        )


def _same(one: Any, other: Any) -> bool:
    try:  # YAML takes 1e-3 for a text
        return float(one) == float(other)
    except (TypeError, ValueError):
        return bool(one == other)


def finished(run: Path) -> bool:
    """Whether a run has done all its steps."""
    try:
        training = json.loads((run / "manifest.json").read_text())["training"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(training["steps"] >= training["settings"]["steps"])


def resume(run: Path) -> list[str]:
    """The option that continues an interrupted run, if it was interrupted."""
    return ["--resume"] if (run / CHECKPOINT).exists() else []


def lmk(arguments: list[str]) -> None:
    """Run a command of lmk in a separate process, so that no row inherits another's memory."""
    print("lmk", *arguments, file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "lmk", *arguments], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", type=Path, help="YAML file, such as tools/studies/methods.yaml")
    parser.add_argument("--data-root", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of this study")
    parser.add_argument("--only", nargs="*", help="rows to run; default: all")
    parser.add_argument("--smoke", action="store_true", help="a few steps only, as a test")
    given = parser.parse_args()
    try:
        chosen = read_study(given.study)
        Runner(chosen, given.data_root, given.output, lmk, given.smoke).run(given.only)
    except (LmkError, OSError) as error:
        sys.exit(f"error: {error}")
    except subprocess.CalledProcessError as error:  # it has said why
        sys.exit(error.returncode)
