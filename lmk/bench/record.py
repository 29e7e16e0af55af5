"""Figures and all that they depend on, as JSON for a contribution."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lmk.bench.condition import Busy, condition, disturbed
from lmk.bench.environment import environment
from lmk.system.files import replacing

SCHEMA_VERSION = 1

Record = dict[str, Any]


@dataclass(frozen=True)
class StartState:
    """The machine before the measurements; make one first."""

    condition: dict[str, Any] = field(default_factory=condition)
    busy: Busy | None = field(default_factory=Busy.now)


def make_record(
    kind: str, start: StartState, settings: dict[str, Any], rows: list[dict[str, Any]], **more: Any
) -> Record:
    """Combine figures with machine, software and the load of other programs.

    `kind` names the type of the measurement; "bench" is that of `lmk bench`. Processes of the
    measurement must have ended, else their load counts as that of other programs.
    """
    later = Busy.now()
    others = start.busy.others(later) if start.busy and later else None
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "command": shlex.join(map(_without_folders, sys.argv)),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "environment": environment(),
        "before": start.condition,
        "after": condition(),
        "other_load_cores": others,
        "disturbed": disturbed(others),
        "settings": settings,
        **more,
        "rows": rows,
    }


def write_record(record: Record, path: Path) -> None:
    """Write a record completely or not at all. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")


def _without_folders(word: str) -> str:
    """A word of the command line; of an absolute path, which may name a user, only its end."""
    option, equals, value = word.rpartition("=")
    return option + equals + Path(value).name if Path(value).is_absolute() else word
