"""All checks of `lmk doctor`, by section."""

from __future__ import annotations

from lmk.doctor.finding import Finding
from lmk.doctor.hardware import examine_hardware
from lmk.doctor.runtimes import examine_runtimes
from lmk.doctor.software import examine_software
from lmk.doctor.video import examine_video


def examine() -> dict[str, list[Finding]]:
    """Check this machine; nothing is installed or changed."""
    return {
        "software": examine_software(),
        "runtimes": examine_runtimes(),
        "hardware": examine_hardware(),
        "video": examine_video(),
    }
