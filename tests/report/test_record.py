from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from report.changed import put

from lmk.evaluation.formulas.pck import Pck
from lmk.evaluation.metrics.consistency import CONSISTENCY
from lmk.evaluation.metrics.pck import PCK
from lmk.evaluation.metrics.regression import FORWARD
from lmk.report.record import manifest_figures, record, write_record
from lmk.system.version import __version__


def test_record_holds_every_figure_and_where_it_comes_from(compared, tmp_path) -> None:
    write_record(compared, tmp_path / "out" / "r.json")
    written = json.loads((tmp_path / "out" / "r.json").read_text())
    assert written["command"] == "lmk compare x"
    assert written["versions"]["lmk"] == __version__
    assert written["protocol"]["ridge"] == 1e-5
    assert written["protocol"]["seed"] == 0
    assert written["protocol"]["normalize"] == "eyes"
    assert written["data"]["sha256"] == compared.benchmark.test.sha256
    assert written["data"]["in_regressions"] == 9
    assert written["regressor_data"]["images"] == 12
    first, second = written["models"]
    assert first["sha256"] == compared.evaluations[0].model.sha256
    assert first["runtime"].startswith("ONNX Runtime")
    assert second["name"] == "shifted"
    forward = first["forward"]["by_training_images"]
    assert [row["images"] for row in forward] == [1, 5, 10, "all"]
    assert len(forward[0]["by_draw"]) == 3
    assert forward[0]["mean"] == pytest.approx(np.mean(forward[0]["by_draw"]))
    assert first["consistency"]["average_px"] == pytest.approx(
        sum(first["consistency"]["per_point_px"]) / 3, rel=1e-5
    )
    assert first["consistency"]["sorted_px"] == sorted(first["consistency"]["per_point_px"])
    assert first["mirrored"]["partner"] == [0, 1, 2]
    difference = written["differences"][0]["figures"]["consistency"]
    assert difference["low"] <= difference["value"] <= difference["high"]


def test_cumulative_curve_counts_images(compared) -> None:
    curve = record(compared)["models"][0]["forward"]["cumulative_percent"]
    percent = compared.evaluations[0].get(FORWARD)[None].percent[0].tolist()
    for limit, share in curve.items():
        below = sum(value <= float(limit) for value in percent)
        assert share == pytest.approx(100 * below / 9)


def test_a_joint_without_labels_is_null(alone) -> None:
    counted = np.array([[True, False, True]])
    (evaluation,) = alone.evaluations
    results = replace(alone, evaluations=[put(evaluation, {PCK: Pck(counted, counted, 2)})])
    joints = json.loads(json.dumps(record(results), allow_nan=False))["models"][0]["pck"]
    assert joints["per_joint"] == [1, None, 1]
    assert joints["images_excluded"] == 2


def test_manifest_keeps_the_main_figures(alone) -> None:
    kept = manifest_figures(alone)
    (evaluation,) = alone.evaluations
    assert kept["forward %"] == round(evaluation.get(FORWARD)[None].mean, 2)
    assert kept["consistency px"] == round(evaluation.get(CONSISTENCY).average, 2)
    assert kept["measured on"] == "aflw, regressor train"
    assert kept.keys() >= {"backward %", "nearest neighbour px", "motion px"}
