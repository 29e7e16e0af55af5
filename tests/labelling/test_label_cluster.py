"""On a local cluster of Ray with two workers: every input once, whoever is killed."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")
pytest.importorskip("ray", reason="needs a cluster: pip install 'lmk-toolkit[ray]'")

import ray
from label_inputs import (
    MODEL,
    SETTINGS,
    expected,
    read_labels,
    write_folder,
    xy_of,
)

import lmk
from lmk.system.errors import UnavailableError, UsageError

COUNT, ROWS = 160, 20  # two pictures a file


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    context = ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield context.address_info["address"]
    ray.shutdown()


def check(output: Path, made: dict[str, np.ndarray]) -> None:
    rows = sorted(read_labels(output), key=lambda row: (row["name"], row["landmark"]))
    assert [(row["name"], row["landmark"]) for row in rows] == [
        (name, k) for name in sorted(made) for k in range(10)
    ]
    images = [made[name] for name in sorted(made)][::20]
    np.testing.assert_allclose(xy_of(rows)[::20], expected(images), atol=2e-3)
    assert not list(output.glob(".*partial"))


def workers() -> list[psutil.Process]:
    """The processes of this cluster that label."""
    below = psutil.Process().children(recursive=True)
    return [one for one in below if "RemoteWorker" in " ".join(one.cmdline())]


def wait_for_parts(output: Path, count: int) -> None:
    deadline = time.monotonic() + 240
    while len(list(output.glob("part-*"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_worker_loses_nothing(tmp_path: Path, address: str) -> None:
    made, killed = write_folder(tmp_path / "in", COUNT), list[int]()

    def kill_one() -> None:
        wait_for_parts(tmp_path / "out", 3)
        victim = workers()[0]
        victim.kill()
        killed.append(victim.pid)

    killer = threading.Thread(target=kill_one)
    killer.start()
    done = lmk.label(
        tmp_path / "in", tmp_path / "out", MODEL, rows_per_file=ROWS, cluster=address, **SETTINGS
    )
    killer.join()
    assert len(killed) == 1
    assert (done.parts, done.earlier, done.counts.inputs) == (COUNT // 2, 0, COUNT)
    check(tmp_path / "out", made)


def test_a_killed_driver_is_continued(tmp_path: Path, address: str) -> None:
    made, out = write_folder(tmp_path / "in", COUNT), tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "lmk",
        "label",
        str(tmp_path / "in"),
        "-o",
        str(out),
        "-m",
        MODEL,
    ]
    command += ["--region", "center", "--runtime", "onnxruntime", "--rows-per-file", str(ROWS)]
    command += ["--cluster", address]
    driver = subprocess.Popen(command, env=os.environ, stderr=subprocess.DEVNULL)
    wait_for_parts(out, 3)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    whole = len(list(out.glob("part-*")))
    assert whole < COUNT // 2
    printed = subprocess.run(
        command, env=os.environ, capture_output=True, text=True, check=True
    ).stdout
    assert f"{COUNT} pictures, {COUNT} objects, in {COUNT // 2} files" in printed
    check(out, made)


def test_an_error_of_a_worker_is_that_of_the_call(
    tmp_path: Path, address: str, monkeypatch
) -> None:
    write_folder(tmp_path / "in", 2)
    monkeypatch.setattr("lmk.labelling.model._sha256", lambda _: "0" * 64)
    with pytest.raises(UsageError, match="is another model on a machine of the cluster"):
        lmk.label(tmp_path / "in", tmp_path / "out", MODEL, cluster=address, **SETTINGS)


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", 2)
    code = "import sys, lmk; lmk.label(*sys.argv[1:4], region='center', cluster='127.0.0.1:1')"
    arguments = [str(tmp_path / "in"), str(tmp_path / "out"), MODEL]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"{UnavailableError.__name__}: no cluster of Ray at 127.0.0.1:1" in done.stderr
