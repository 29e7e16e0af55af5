from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from lmk.bench import gpu
from lmk.system.errors import UnavailableError


class NoAnswerError(Exception):
    pass


def refuse(*_: object) -> None:
    raise NoAnswerError


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """NVML of a card that does not tell its power limit."""
    library = SimpleNamespace(
        NVMLError=NoAnswerError,
        NVML_CLOCK_SM=1,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: f"card {index}",
        nvmlDeviceGetName=lambda *_: "NVIDIA Something",
        nvmlSystemGetDriverVersion=lambda: "570.1",
        nvmlDeviceGetMemoryInfo=lambda *_: SimpleNamespace(total=8 * 10**9, used=10**9),
        nvmlDeviceGetPowerManagementLimit=refuse,
        nvmlDeviceGetUtilizationRates=lambda *_: SimpleNamespace(gpu=7),
        nvmlDeviceGetClockInfo=lambda *_: 1500,
        nvmlDeviceGetTemperature=lambda *_: 55,
        nvmlDeviceGetPowerUsage=lambda *_: 61500,
        nvmlDeviceGetTotalEnergyConsumption=lambda *_: 2500,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


def test_facts_and_condition_of_a_card(nvml: SimpleNamespace) -> None:
    assert gpu.facts() == {
        "name": "NVIDIA Something",
        "driver": "570.1",
        "memory_mb": 8000,
        "power_limit_w": None,
    }
    expected = {"clock_mhz": 1500, "temperature_c": 55, "power_w": 61.5, "use_percent": 7}
    assert gpu.condition() == expected
    assert (gpu.memory_used_mb(), gpu.energy_j()) == (1000, 2.5)


def test_without_nvml_a_card_still_has_its_name(
    nvml: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvml.nvmlInit = refuse
    monkeypatch.setattr(gpu, "Cuda", lambda: SimpleNamespace(name="Orin"))
    unknown = {"driver": None, "memory_mb": None, "power_limit_w": None}
    assert gpu.facts() == {"name": "Orin"} | unknown


def test_without_a_driver_or_the_package_there_is_nothing(
    nvml: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_driver() -> None:
        raise UnavailableError("no NVIDIA driver found")

    monkeypatch.setattr(gpu, "Cuda", no_driver)
    nvml.nvmlInit = refuse
    assert (gpu.facts(), gpu.condition(), gpu.energy_j()) == (None, None, None)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert (gpu.facts(), gpu.memory_used_mb()) == (None, None)
