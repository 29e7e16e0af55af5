"""The plan of a run: the shards of its source, in order, in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lmk.labelling.inputs.shard import Shard
from lmk.labelling.place import Place
from lmk.system.schema import read_as

PLAN = "inputs.jsonl"


@dataclass(frozen=True)
class Plan:
    """A plan on this machine. sha256: of its content; parts: the number of its lines."""

    file: Path
    sha256: str
    parts: int

    def __iter__(self) -> Iterator[Shard]:
        with self.file.open("rb") as lines:
            for line in lines:
                yield read_as(Shard, json.loads(line)["inputs"])

    def copy_to(self, output: Place) -> None:
        """Write it into an output. Raises OutputError."""
        with (output / PLAN).replacing() as target, self.file.open("rb") as lines:
            target.writelines(lines)


def write_plan(file: Path, shards: Iterable[Shard]) -> Plan:
    """Write shards into a file, one at a time in memory."""
    digest, parts = hashlib.sha256(), 0
    with file.open("wb") as lines:
        for shard in shards:
            content = {"part": shard.part, "inputs": asdict(shard)}
            line = (json.dumps(content, sort_keys=True) + "\n").encode()
            lines.write(line)
            digest.update(line)
            parts += 1
    return Plan(file, digest.hexdigest(), parts)
