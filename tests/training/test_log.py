from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import full_disk
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lmk.system.errors import OutputError, TrainingError
from lmk.training.log import CSV, EVENTS, Log


def test_losses_are_in_the_csv_and_in_the_events(tmp_path: Path) -> None:
    with Log(tmp_path, 0) as log:
        log.losses(10, {"loss": 2.5, "pixel": 0.125})
        log.losses(20, {"loss": 1.5, "pixel": 0.0625})
        log.figures(20, {"stillness": 0.25})
    assert (tmp_path / CSV).read_text().split() == [
        "step,loss,pixel",
        "10,2.5,0.125",
        "20,1.5,0.0625",
    ]
    events = EventAccumulator(str(tmp_path / EVENTS)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/loss")] == [(10, 2.5), (20, 1.5)]
    assert [(e.step, e.value) for e in events.Scalars("stillness")] == [(20, 0.25)]


def test_a_resumed_log_drops_what_came_after_the_checkpoint(tmp_path: Path, monkeypatch) -> None:
    with Log(tmp_path, 0) as log:
        for step in (10, 20, 30):
            log.losses(step, {"loss": float(step)})
    later = time.time() + 2  # files are read in the order of their names, which tell the second
    monkeypatch.setattr(time, "time", lambda: later)
    with Log(tmp_path, 20) as log:
        log.losses(30, {"loss": 99.0})
    assert (tmp_path / CSV).read_text().split() == ["step,loss", "10,10", "20,20", "30,99"]
    events = EventAccumulator(str(tmp_path / EVENTS)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/loss")] == [
        (10, 10.0),
        (20, 20.0),
        (30, 99.0),
    ]


def test_a_row_that_a_full_disk_cut_short_is_dropped(tmp_path: Path) -> None:
    with Log(tmp_path, 0) as log:
        for step in (10, 20):
            log.losses(step, {"loss": float(step), "pixel": 0.5})
    whole = (tmp_path / CSV).read_bytes()
    (tmp_path / CSV).write_bytes(whole + b"\r\n12")  # of step 120
    with Log(tmp_path, 200):
        assert (tmp_path / CSV).read_bytes() == whole
    (tmp_path / CSV).write_bytes(b"")
    with Log(tmp_path, 200) as log:
        log.losses(210, {"loss": 1.0})
    assert (tmp_path / CSV).read_text().split() == ["step,loss", "210,1"]


def test_what_a_power_cut_leaves_at_the_end_is_dropped(tmp_path: Path) -> None:
    with Log(tmp_path, 0) as log:
        log.losses(10, {"loss": 10.0})
    whole = (tmp_path / CSV).read_bytes()
    for torn in (b"20,2\r\n\0\0\0\0", b"2\xff\xfe,2\r\n", b",2\r\n"):
        (tmp_path / CSV).write_bytes(whole + torn)
        with Log(tmp_path, 10):
            assert (tmp_path / CSV).read_bytes() == whole


def fill(run: Path) -> None:
    with Log(run, 0) as log:
        for step in range(100):
            log.figures(step, {"loss": 1.0})


def fail(run: Path, error: Exception | None) -> None:
    with Log(run, 0) as log:
        log._events.close = lambda: (run / "a" / "b").write_text("no such folder")
        if error:
            raise error


def test_a_full_disk_is_an_output_error_and_hides_no_other(tmp_path: Path) -> None:
    with full_disk(600), pytest.raises(OutputError, match="Free space"):
        fill(tmp_path / "a")
    with full_disk(10), pytest.raises(OutputError, match="Free space"):
        fill(tmp_path / "b")
    with pytest.raises(OutputError, match="Free space"):
        fail(tmp_path / "c", None)
    with pytest.raises(TrainingError, match="no longer finite"):
        fail(tmp_path / "d", TrainingError("no longer finite"))


def test_pictures_keep_their_colours(tmp_path: Path) -> None:
    red = np.zeros((16, 24, 3), np.uint8)
    red[..., 0] = 200
    with Log(tmp_path, 0) as log:
        log.picture(7, red)
    stored = cv2.imread(str(tmp_path / "samples/000007.jpg"))  # BGR
    assert stored.shape == (16, 24, 3)
    assert abs(int(stored[8, 8, 2]) - 200) < 5
    assert stored[8, 8, 0] < 5
