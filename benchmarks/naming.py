"""How many annotated pictures do named points need?

python benchmarks/naming.py --data cnnfp/annotated.json --test-data aflw/test.json
    [--model faces-small] [--counts 1,3,5,10,20,50,100,all] [--draws 10] [--json FILE] [--plot FILE]

Without --test-data, those pictures of --data that were not drawn are the test. `lmk name` is the
error of its fit. Beside it: with the search in the network's features, and its parts: without
mirrored pictures, in the frame of the pose alone, and in that of the input alone. `paper` is the
ridge of the paper's protocol, weight 1e-5. `expected` is the error that `lmk name` predicts from
the drawn pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
from output import Row, bar_rows, finish, parse, print_rows

from lmk.arrays import FloatArray, Indices, Points
from lmk.bench.record import StartState, make_record
from lmk.evaluation.annotated import AnnotatedSet, default_normalizer, load_annotated, normalizer_px
from lmk.evaluation.formulas.regression import draw_images, fit_ridge, point_errors
from lmk.evaluation.landmarks import open_model
from lmk.model.folder import find_model
from lmk.model.points import PointMap
from lmk.naming.examples import Examples, find_examples
from lmk.naming.expected import by_picture, expected
from lmk.naming.features import find_features
from lmk.naming.fit import BLENDS, fit_points
from lmk.system.progress import Reporter


class Trial:
    """A model, the pictures to draw from, and what it finds in those of the test."""

    def __init__(self, name: str, data: AnnotatedSet, test: AnnotatedSet) -> None:
        self.model, self.data, self.test = find_model(name), data, test
        framing = self.model.manifest.framing
        assert framing is not None
        self.mean: FloatArray = np.array(framing.landmarks_input, np.float32)
        self.evaluated = open_model(name, "auto", "cpu")
        self.found = self.evaluated.find(test.images, Reporter())
        self.features = find_features(self.model, test.images).astype(np.float16)
        self.lengths = normalizer_px(test, default_normalizer(test))

    def errors(self, drawn: Indices) -> tuple[dict[str, float], float]:
        """Mean errors in % by the way of fitting, and the seconds that lmk name's took."""
        data = self.data.only(drawn)
        begun = perf_counter()
        examples = find_examples(self.evaluated.backend, self.model, data, search=True)
        fit = fit_points(examples, self.mean)
        searched = fit_points(examples, self.mean, search=True)
        seconds = perf_counter() - begun
        first = np.unique(examples.picture, return_index=True)[1]
        plain = Examples(
            examples.xy_input[first], examples.points_input[first], examples.picture[first]
        )

        def only(*blends: float) -> PointMap:
            return fit_points(examples, self.mean, blends).point_map

        rows = np.setdiff1d(np.arange(len(self.found)), drawn if self.data is self.test else [])
        paper = fit_ridge(plain.xy_input, plain.points_input)
        ways: dict[str, Points] = {
            "lmk name": fit.point_map(self.found[rows]),
            "--search": searched.point_map(self.found[rows], self.features[rows]),
            "not mirrored": fit_points(plain, self.mean).point_map(self.found[rows]),
            "pose": only(1.0)(self.found[rows]),
            "input": only(0.0)(self.found[rows]),
            "paper": paper(self.found[rows]),
        }
        expected_xy, lengths = self.test.xy_input[rows], self.lengths[rows]
        percent = {
            way: float(point_errors(xy, expected_xy, lengths).mean()) for way, xy in ways.items()
        }
        own = 100 * fit.errors_px / normalizer_px(data, default_normalizer(data))[:, None]
        return percent | {"expected": expected(by_picture(own)).mean}, seconds


def measure(trial: Trial, counts: list[int | None], draws: int) -> Iterator[Row]:
    """A row per number of pictures: means over the draws, with the interval of lmk name's."""
    for count in counts:
        index = draw_images(len(trial.data.images), count, draws, seed=0)
        found = [trial.errors(drawn) for drawn in index]
        errors = {way: np.array([percent[way] for percent, _ in found]) for way in found[0][0]}
        spread = expected(errors["lmk name"])
        figures = {way: float(values.mean()) for way, values in errors.items()}
        figures |= {"low": spread.low, "high": spread.high}
        yield {
            "pictures": index.shape[1],
            "draws": len(index),
            **{name: None if np.isnan(value) else value for name, value in figures.items()},
            "seconds": max(seconds for _, seconds in found),
        }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="pictures to draw from")
    parser.add_argument("--test-data", type=Path, help="pictures of the test")
    parser.add_argument("--model", default="faces-small")
    parser.add_argument("--counts", default="1,3,5,10,20,50,100,all")
    parser.add_argument("--draws", type=int, default=10)
    given = parse(parser)
    start, report = StartState(), Reporter()
    data = load_annotated(given.data, report)
    data = data.only(np.flatnonzero(data.complete))
    test = data
    if given.test_data:
        test = load_annotated(given.test_data, report)
        test = test.only(np.flatnonzero(test.complete))
    counts = [None if word == "all" else int(word) for word in given.counts.split(",")]
    rows = list(measure(Trial(given.model, data, test), counts, given.draws))
    print_rows(rows, {key: key for key in rows[0]})
    settings = {"model": given.model, "draws": given.draws, "blends": BLENDS}
    bars = [(f"{row['pictures']} pictures", float(row["lmk name"])) for row in rows]
    record = make_record("naming", start, settings, rows)
    finish(record, bar_rows(bars, "error in % of the normaliser"), given)


if __name__ == "__main__":
    main()
