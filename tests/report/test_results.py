from __future__ import annotations

from dataclasses import replace

import numpy as np
from report.changed import put, without

from lmk.evaluation.formulas.pck import Pck
from lmk.evaluation.metrics.pck import PCK, PCKH
from lmk.evaluation.metrics.regression import BACKWARD, FORWARD


def test_notes_say_what_was_left_out(alone) -> None:
    counted = np.ones((9, 4), bool)
    (evaluation,) = alone.evaluations
    measured = put(evaluation, {PCK: Pck(counted, counted, 3), PCKH: Pck(counted, counted, 0)})
    benchmark = replace(alone.benchmark, exclusions=["2 of 9 images of aflw lack points"])
    notes = replace(alone, benchmark=benchmark, evaluations=[measured]).notes()
    assert "Excluded from the regressions: 2 of 9 images of aflw lack points" in notes
    assert "Excluded from PCK: 3 images without reference length" in notes
    assert not any("PCKh: 0" in note for note in notes)
    bare = without(measured, FORWARD, BACKWARD, PCK)
    notes = replace(alone, benchmark=benchmark, evaluations=[bare]).notes()
    assert not any("regressions" in note or "Regressors" in note for note in notes)


def test_models_that_ran_alike_share_a_note(compared) -> None:
    notes = compared.notes()
    assert "shifted: shifted" in notes
    reason = "not measured: pck, pckh: its 3 landmarks have no names, but there are 4 points"
    assert f"dots <b>, shifted: {reason}" in notes
