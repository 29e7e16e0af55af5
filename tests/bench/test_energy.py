from __future__ import annotations

import time
from pathlib import Path

import pytest
from bench.machines import write

from lmk.bench import energy
from lmk.bench.energy import Ina, Rapl, find_meters, measured

POWERCAP = "sys/class/powercap"
HWMON = "sys/class/hwmon/hwmon2"


def package(number: int, microjoules: int, name: str) -> dict[str, object]:
    folder = f"{POWERCAP}/intel-rapl:{number}"
    return {
        f"{folder}/name": name,
        f"{folder}/energy_uj": microjoules,
        f"{folder}/max_energy_range_uj": 10_000_000,
    }


def test_rapl_adds_packages_and_leaves_their_parts_out(tmp_path: Path) -> None:
    files = package(0, 1_000_000, "package-0") | package(1, 9_000_000, "package-1")
    files |= {f"{POWERCAP}/intel-rapl:0:0/name": "core", f"{POWERCAP}/intel-rapl:0:0/energy_uj": 5}
    (meter,) = find_meters(write(tmp_path, files))
    assert isinstance(meter, Rapl)
    meter.start()
    # The second counter goes over its end: 1 J to 10 J, then 0.5 J.
    write(tmp_path, package(0, 3_500_000, "package-0") | package(1, 500_000, "package-1"))
    assert meter.stop() == pytest.approx(2.5 + 1.5)


def test_a_counter_that_may_not_be_read_is_no_meter(tmp_path: Path) -> None:
    root = write(tmp_path, package(0, 1, "package-0"))
    counter = root / POWERCAP / "intel-rapl:0" / "energy_uj"
    counter.unlink()
    counter.mkdir()  # reading it fails, also for root
    assert find_meters(root) == []


def rail(number: int, name: str, millivolts: int, milliamperes: int) -> dict[str, object]:
    return {
        f"{HWMON}/in{number}_label": name,
        f"{HWMON}/in{number}_input": millivolts,
        f"{HWMON}/curr{number}_input": milliamperes,
    }


def test_a_jetsons_whole_board_is_measured_where_it_has_such_a_rail(tmp_path: Path) -> None:
    files = {f"{HWMON}/name": "ina3221"} | rail(1, "VDD_IN", 5000, 1200)
    (meter,) = find_meters(write(tmp_path, files | rail(2, "VDD_CPU_GPU_CV", 4900, 400)))
    assert isinstance(meter, Ina)
    assert meter.name == "INA3221, VDD_IN"
    assert meter.watts() == pytest.approx(6)


def test_otherwise_all_rails_but_the_unconnected(tmp_path: Path) -> None:
    files = {f"{HWMON}/name": "ina3221"} | rail(1, "VDD_GPU_SOC", 20000, 300)
    files |= rail(2, "VDD_CPU_CV", 20000, 100) | rail(3, "NC", 20000, 900)
    (meter,) = find_meters(write(tmp_path, files))
    assert isinstance(meter, Ina)
    assert meter.watts() == pytest.approx(8)


def test_power_is_summed_over_time_and_told_by_frame(tmp_path: Path) -> None:
    root = write(tmp_path, {f"{HWMON}/name": "ina3221"} | rail(1, "VDD_IN", 5000, 2000))

    def work() -> int:
        time.sleep(0.2)
        return 4

    (found,) = measured(work, root)
    assert found.watts == pytest.approx(10, rel=0.1)
    assert found.joules >= 2
    assert found.millijoules_a_frame == pytest.approx(1000 * found.joules / 4)


def test_a_machine_without_meters_still_works(tmp_path: Path) -> None:
    done = []
    assert measured(lambda: len(done) or done.append(1) or 1, tmp_path) == []
    assert done == [1]


def test_the_gpu_counts_its_own_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = iter([100.0, 100.0, 104.5])
    monkeypatch.setattr(energy.gpu, "energy_j", lambda: next(counter))
    (found,) = measured(lambda: 3, tmp_path)
    assert found.meter == "NVML, GPU"
    assert found.millijoules_a_frame == pytest.approx(1500)
