"""Facts about the first GPU from NVIDIA's management library, if installed."""

from __future__ import annotations

from typing import Any

from lmk.inference.cuda import Cuda
from lmk.system.errors import LmkError


def facts() -> dict[str, Any] | None:
    """Name, driver, memory and power limit of the GPU; None without one.

    Only its name without the `pynvml` package, and on a Jetson, whose driver has no such library.
    """
    found = _device()
    if found is None:
        name = _name()
        unknown = dict.fromkeys(("driver", "memory_mb", "power_limit_w"))
        return {"name": name, **unknown} if name else None
    nvml, device = found
    return {
        "name": _ask(nvml.nvmlDeviceGetName, device),
        "driver": _ask(nvml.nvmlSystemGetDriverVersion),
        "memory_mb": nvml.nvmlDeviceGetMemoryInfo(device).total // 1_000_000,
        "power_limit_w": _scaled(_ask(nvml.nvmlDeviceGetPowerManagementLimit, device), 1e-3),
    }


def condition() -> dict[str, Any] | None:
    """Clock, temperature, power and use of the GPU now; None without NVML."""
    found = _device()
    if found is None:
        return None
    nvml, device = found
    use = _ask(nvml.nvmlDeviceGetUtilizationRates, device)
    return {
        "clock_mhz": _ask(nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_SM),
        "temperature_c": _ask(nvml.nvmlDeviceGetTemperature, device, nvml.NVML_TEMPERATURE_GPU),
        "power_w": _scaled(_ask(nvml.nvmlDeviceGetPowerUsage, device), 1e-3),
        "use_percent": use.gpu if use else None,
    }


def memory_used_mb() -> int | None:
    """Memory in use by all programs on the GPU, in 10^6 bytes; None without NVML."""
    found = _device()
    return None if found is None else found[0].nvmlDeviceGetMemoryInfo(found[1]).used // 1_000_000


def energy_j() -> float | None:
    """Energy that the GPU has used since its driver was loaded; None if it does not measure it."""
    found = _device()
    if found is None:
        return None
    return _scaled(_ask(found[0].nvmlDeviceGetTotalEnergyConsumption, found[1]), 1e-3)


def _name() -> str | None:
    try:
        return Cuda().name
    except LmkError:
        return None


def _device() -> tuple[Any, Any] | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        return pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
    except pynvml.NVMLError:
        return None


def _ask(question: Any, *arguments: Any) -> Any:
    """Not every GPU supports every query."""
    import pynvml

    try:
        return question(*arguments)
    except pynvml.NVMLError:
        return None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
