from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from report.changed import put, without
from rich.console import Console

from lmk.evaluation.metrics.consistency import CONSISTENCY
from lmk.evaluation.metrics.pck import PCKH
from lmk.evaluation.metrics.regression import BACKWARD, FORWARD
from lmk.evaluation.metrics.robustness import ROBUSTNESS
from lmk.report.tables import tables
from lmk.report.terminal import print_results


def by_title(results) -> dict:
    return {table.title.split(" in ")[0]: table for table in tables(results)}


def test_figures_stand_beside_the_paper(alone) -> None:
    summary = by_title(alone)["Figures"]
    assert summary.header == ["figure", "dots <b>", "paper, proposed"]
    rows = {row[0]: row[1:] for row in summary.rows}
    forward = alone.evaluations[0].get(FORWARD)[None].mean
    assert rows["forward error"] == [f"{forward:.2f} %", "6.69 %"]
    assert rows["backward error"][1] == "9.19 %"
    assert rows["consistency"][1] == "2.52 px"
    assert rows["noise"][1] == "-"


def test_errors_in_another_unit_do_not_stand_beside_the_paper(alone) -> None:
    other = replace(alone, benchmark=replace(alone.benchmark, normalize="box"))
    summary = by_title(other)["Figures"]
    published = {row[0]: row[2] for row in summary.rows}
    assert published["forward error"] == published["backward error"] == "-"
    assert published["consistency"] == "2.52 px"
    assert by_title(other)["Backward error"].header == ["training images", "dots <b>"]


def test_errors_by_training_images_stand_beside_the_paper(alone) -> None:
    table = by_title(alone)["Backward error"]
    assert table.header[2:] == ["paper, scratch", "paper, finetune", "paper, proposed"]
    assert [row[0] for row in table.rows] == ["1", "5", "10", "all"]
    backward = alone.evaluations[0].get(BACKWARD)
    assert table.rows[1][1] == f"{backward[5].mean:.2f} ± {backward[5].std:.2f}"
    assert table.rows[1][2:] == ["35.36", "16.46", "14.55"]
    assert table.rows[3][2:] == ["25.50", "11.14", "9.19"]


def test_consistency_is_sorted_and_names_its_landmark(alone) -> None:
    table = by_title(alone)["Consistency"]
    per_point = alone.evaluations[0].get(CONSISTENCY).per_landmark.tolist()
    ranked = sorted(range(3), key=lambda k: per_point[k])
    assert [row[1] for row in table.rows[:3]] == [f"{per_point[k]:.2f} (no. {k})" for k in ranked]
    assert [row[4] for row in table.rows] == ["1.46", "1.47", "1.47", "2.52"]
    assert table.rows[-1][:2] == ["average", f"{sum(per_point) / 3:.2f}"]


def test_differences_come_with_their_interval(compared) -> None:
    summary = by_title(compared)["Figures"]
    rows = {row[0]: row[1:] for row in summary.rows}
    first, second = (
        {figure.name: figure.value for figure in evaluation.figures()}
        for evaluation in compared.evaluations
    )
    name = "mirrored, same index"
    difference = compared.differences[0][name]
    assert rows[name][0] == f"{first[name]:.2f} px"
    assert rows[name][1] == (
        f"{second[name]:.2f} px\n({second[name] - first[name]:+.2f}, "
        f"{difference.low:+.2f} to {difference.high:+.2f})*"
    )
    assert "bootstrap" in summary.note


def test_what_was_not_measured_leaves_no_table_and_no_nan(alone) -> None:
    (evaluation,) = alone.evaluations
    bare = without(evaluation, FORWARD, BACKWARD, ROBUSTNESS)
    titles = by_title(replace(alone, evaluations=[bare])).keys()
    assert titles == {"Figures", "Consistency"}
    cells = [cell for table in tables(alone) for row in table.rows for cell in row]
    assert not any("nan" in cell.lower() for cell in cells)


def test_a_joint_without_labels_is_a_dash(alone) -> None:
    from lmk.evaluation.formulas.pck import Pck

    counted = np.array([[True, False, True, True]] * 2)
    found = counted & np.array([[True], [False]])
    (evaluation,) = alone.evaluations
    results = replace(alone, evaluations=[put(evaluation, {PCKH: Pck(found, counted, 0)})])
    table = by_title(results)["PCKh@0.5"]
    assert table.rows == [
        ["left_eye", "50.0"],
        ["right_eye", "-"],
        ["nose", "50.0"],
        ["brow", "50.0"],
    ]


def test_the_terminal_s_tables_fit_100_columns(compared) -> None:
    console = Console(file=io.StringIO(), width=100)
    print_results(compared, console)
    printed = console.file.getvalue()
    assert max(len(line.rstrip()) for line in printed.splitlines()) <= 100
    printed = " ".join(printed.split())
    assert "dots <b>" in printed
    assert "…" not in printed
    assert r"\x0a" not in printed  # an interval is below its difference
    assert "12 images of" in printed
    assert "ridge weight 1e-05" in printed
    assert "Not measured: 100, 500, 1,000, 5,000 training images; there are only 12" in printed
    assert "distance between the eyes (the default here)" in printed
