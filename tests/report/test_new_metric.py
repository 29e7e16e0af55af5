"""A metric that lmk does not have: one object and one line of the catalogue, and all show it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lmk.evaluation import views
from lmk.evaluation.bootstrap import paired_bootstrap
from lmk.evaluation.comparison import differences
from lmk.evaluation.figure import Figure, mean_figure
from lmk.evaluation.measure import measure_all
from lmk.evaluation.metrics.base import Metric, always
from lmk.evaluation.metrics.catalogue import METRICS, load_metrics
from lmk.evaluation.table import Table
from lmk.report.page import write_page
from lmk.report.record import manifest_figures, record
from lmk.report.results import Results
from lmk.report.terminal import print_results
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

SEED = 7


def jitter(trial) -> np.ndarray:
    """Distance from the landmarks of a noisy copy to the picture's, px (N,)."""
    noisy = trial.found_in(views.noisy(SEED))
    return np.linalg.norm(noisy.astype(float) - trial.found, axis=-1).mean(axis=1)


def figures(distance_px: np.ndarray) -> list[Figure]:
    return [
        mean_figure("landmark jitter", distance_px, "px", manifest_key="jitter px"),
        Figure("largest jitter", float(distance_px.max()), "px"),
    ]


JITTER: Metric[np.ndarray] = Metric(
    name="jitter",
    term="Landmark jitter",
    meaning="How far noise moves a landmark; not divided by {length}.",
    obstacle=lambda model, _: "its landmarks have names" if model.landmark_names else "",
    measure=jitter,
    figures=figures,
    record=lambda distance_px: {"jitter": {"by_image_px": distance_px.tolist()}},
    tables=lambda _, models: [
        Table("Jitter in px", ["model"], [[model.model.name] for model in models])
    ],
    notes=lambda _, values: [f"Jitter of {len(values)} models, seed {SEED}"],
    published=lambda _: {"landmark jitter": "1.23 px"},
)


@pytest.fixture
def measured(compared: Results, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setitem(METRICS, "jitter", f"{__name__}:JITTER")
    models = [evaluation.model for evaluation in compared.evaluations]
    protocol = replace(compared.benchmark.protocol, metrics=("spread", "jitter"))
    benchmark = replace(compared.benchmark, protocol=protocol)
    evaluations = measure_all(models, benchmark, Reporter())
    return Results(benchmark, evaluations, differences(evaluations, seed=0), "lmk compare x")


def test_a_new_metric_is_among_the_figures_and_the_differences(measured: Results) -> None:
    first, second = (
        {figure.name: figure for figure in evaluation.figures()}
        for evaluation in measured.evaluations
    )
    assert first.keys() == {"nearest neighbour", "motion", "landmark jitter", "largest jitter"}
    assert first["landmark jitter"].value > 1
    expected = paired_bootstrap(
        first["landmark jitter"].per_image, second["landmark jitter"].per_image
    )
    assert measured.differences[0] == {"landmark jitter": expected}


def test_a_new_metric_is_in_the_terminal_s_tables(measured: Results) -> None:
    console = Console(file=io.StringIO(), width=100)
    print_results(measured, console)
    printed = " ".join(console.file.getvalue().split())
    value = measured.evaluations[0].figures()[-2].value
    assert f"landmark jitter {value:.2f} px" in printed
    assert "1.23 px" in printed
    assert "Jitter in px" in printed
    assert f"Jitter of 2 models, seed {SEED}" in printed


def test_a_new_metric_is_in_json_and_manifest(measured: Results) -> None:
    first = record(measured)["models"][0]
    assert first["figures"]["landmark jitter"]["unit"] == "px"
    assert first["jitter"]["by_image_px"] == pytest.approx(measured.evaluations[0].get(JITTER))
    value = np.mean(first["jitter"]["by_image_px"])
    assert manifest_figures(measured)["jitter px"] == round(value, 2)


def test_a_new_metric_is_explained_on_the_page(measured: Results, tmp_path: Path) -> None:
    write_page(measured, tmp_path / "report.html", Reporter())
    html = (tmp_path / "report.html").read_text()
    assert "<td>landmark jitter</td>" in html
    assert "<h2>Jitter in px</h2>" in html
    assert "<dt>Landmark jitter</dt>" in html
    assert "not divided by the distance between the eyes." in html


def test_a_new_metric_says_what_it_needs(measured: Results) -> None:
    named = replace(measured.evaluations[0].model, landmark_names=["a", "b", "c"])
    with pytest.raises(DataError, match=r"jitter of .*: its landmarks have names"):
        measure_all([named], measured.benchmark, Reporter())
    protocol = replace(measured.benchmark.protocol, metrics=None)
    benchmark = replace(measured.benchmark, protocol=protocol)
    (evaluation,) = measure_all([named], benchmark, Reporter())
    assert "jitter: its landmarks have names" in evaluation.skipped
    assert JITTER not in evaluation.measured


def test_the_catalogue_names_each_metric_as_it_names_itself() -> None:
    assert [metric.name for metric in load_metrics()] == list(METRICS)
    assert always(None, None) == ""
