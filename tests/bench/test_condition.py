from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench.machines import write

from lmk.bench import condition
from lmk.bench.condition import Busy, clock_mhz, disturbed, governor, power_mode, temperature_c
from lmk.bench.environment import quota

CPU = "sys/devices/system/cpu"


def test_clocks_and_governors_of_all_cores(tmp_path: Path) -> None:
    files: dict[str, object] = {f"{CPU}/cpufreq/scaling_governor": "no core's"}
    files[f"{CPU}/cpu2/cpufreq/scaling_governor"] = ""  # a core that is off
    files[f"{CPU}/cpu2/cpufreq/scaling_cur_freq"] = ""
    for core, (rule, khz) in enumerate([("powersave", 800000), ("performance", 2400000)]):
        files[f"{CPU}/cpu{core}/cpufreq/scaling_governor"] = rule
        files[f"{CPU}/cpu{core}/cpufreq/scaling_cur_freq"] = khz
    root = write(tmp_path, files)
    assert governor(root) == "performance, powersave"
    assert clock_mhz(root) == 1600


def test_a_virtual_machine_tells_its_clock_in_cpuinfo(tmp_path: Path) -> None:
    text = "processor\t: 0\ncpu MHz\t\t: 2596.1\n\nprocessor\t: 1\ncpu MHz\t\t: 2600.1"
    assert clock_mhz(write(tmp_path, {"proc/cpuinfo": text})) == pytest.approx(2598.1)


def test_the_hottest_sensor_counts_and_unreadable_ones_do_not(tmp_path: Path) -> None:
    thermal = "sys/class/thermal"
    files = {f"{thermal}/thermal_zone0/temp": 41500, f"{thermal}/thermal_zone1/temp": "broken"}
    root = write(tmp_path, files | {"sys/class/hwmon/hwmon3/temp1_input": 63250})
    assert temperature_c(root) == 63.25


def test_power_is_the_platforms_profile_and_where_it_comes_from(tmp_path: Path) -> None:
    files = {
        "sys/firmware/acpi/platform_profile": "balanced",
        "sys/class/power_supply/AC/online": 0,
    }
    assert (power_mode(write(tmp_path, files)) or "").startswith("balanced, battery")


def test_a_machine_that_tells_nothing_is_none_throughout(tmp_path: Path) -> None:
    found = [read(tmp_path) for read in (governor, clock_mhz, temperature_c, quota, Busy.now)]
    assert found == [None] * 5


@pytest.mark.parametrize(("text", "cores"), [("max 100000", None), ("150000 100000", 1.5)])
def test_a_containers_quota(tmp_path: Path, text: str, cores: float | None) -> None:
    assert quota(write(tmp_path, {"sys/fs/cgroup/cpu.max": text})) == cores


def test_time_of_others_is_all_but_idle_and_our_own_on_our_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(condition, "usable_cores", lambda: [1, 10])
    # user nice system idle iowait irq softirq steal guest guest_nice
    ticks = os.sysconf("SC_CLK_TCK")
    rows = ["cpu 1100 10 20 9000 300 1 2 3 7 0", "cpu0 900 0 0 4000 0 0 0 0 0 0"]
    rows += ["cpu1 60 10 20 3000 300 1 2 3 7 0", "cpu10 40 0 0 2000 0 0 0 0 0 0", "intr 5 6"]
    root = write(tmp_path, {"proc/stat": "\n".join(rows)})
    first = Busy.now(root)
    assert first is not None
    assert first.everyone_s == (100 + 10 + 20 + 1 + 2 + 3) / ticks
    later = Busy(first.everyone_s + 9, first.own_s + 5, first.clock_s + 8)
    assert first.others(later) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("cores", "others", "expected"),
    [(2, 0.09, False), (2, 0.11, True), (16, 0.7, False), (16, 0.9, True), (2, None, None)],
)
def test_disturbed_is_a_twentieth_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, others: float | None, expected: bool | None
) -> None:
    monkeypatch.setattr(condition, "usable_cores", lambda: list(range(cores)))
    assert disturbed(others) is expected


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/stat")
def test_a_busy_process_beside_us_is_seen() -> None:
    cores = os.cpu_count() or 1
    spin = [sys.executable, "-c", "while True: pass"]
    neighbours = [subprocess.Popen(spin) for _ in range(cores)]
    try:
        time.sleep(0.3)  # they have to start
        before = Busy.now()
        time.sleep(0.5)
        after = Busy.now()
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
    assert before is not None
    assert after is not None
    assert before.others(after) > 0.5 * cores
    assert disturbed(before.others(after))
