"""The files that `lmk label` reads: tars, tables and its own manifest; see `targets.py`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from label_inputs import encoded, pictures, write_table, write_tar

from lmk.labelling.inputs.listing import list_shards
from lmk.labelling.inputs.read import read_batches
from lmk.labelling.manifest import Manifest, read_manifest
from lmk.labelling.part import Counts
from lmk.labelling.place import open_place
from lmk.system.progress import Reporter


class Silent(Reporter):
    def say(self, message: str) -> None: ...

    def warn(self, message: str) -> None: ...


def make(folder: Path) -> None:
    """A tar and a table of pictures, and an output with a manifest."""
    made = {name: encoded(image) for name, image in pictures(5).items()}
    write_tar(folder / "shard.tar", made)
    cells = [{"bytes": data, "path": name} for name, data in made.items()]
    write_table(folder / "shard.parquet", cells, group=2)
    hashes = {"model_sha256": "0" * 64, "inputs_sha256": "1" * 64}
    manifest = Manifest(
        **{"source": "a", "settings": {"region": ""}, "model": "m", "runtime": "onnxruntime"},
        **{"runtime_description": "", "landmarks": 3, "points": ["tip"], "parts": 4},
        **hashes,
        counts=Counts(5, 4, 1, 0),
    )
    (folder / "out").mkdir()
    (folder / "out" / "manifest.json").write_text(json.dumps(asdict(manifest)))


def use(file: Path) -> None:
    """Read all pictures of a file: each is one, or has a reason."""
    for shard in list_shards(open_place(file), 2, "image", Silent()):
        for batch in read_batches(shard, "image", threads=1):
            for one in batch:
                assert (one.image_bgr is None) == bool(one.error)
                assert one.image_bgr is None or one.image_bgr.ndim == 3


def use_manifest(folder: Path) -> None:
    read_manifest(open_place(folder))
