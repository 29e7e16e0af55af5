"""LS3D-W, the 7,200 test images balanced over poses that FAN is measured on, 68 points.

The release pairs every picture with a .t7 file of Lua Torch (68 x 2), which scipy does not read:
converted to .mat with a variable `pts`, they are read. Points are assumed to count from 1, as in
Lua and MATLAB; the release does not specify it.
"""

from __future__ import annotations

from lmk.data.listing import list_images
from lmk.data.prepare.faces import SIXTY_EIGHT_POINTS, face
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError

KEY = "pts"


def read(source: Source) -> Annotations:
    """Read every picture with points beside it, at any depth. All are test images."""
    records, skipped = [], []
    for image in list_images(source.root):
        file = image.with_suffix(".mat")
        if not file.exists() and image.with_suffix(".t7").exists():
            raise DataError(_how_to_convert(source))
        if not file.exists():
            skipped.append(f"{image.relative_to(source.root)}: no {file.name} beside it")
            continue
        records.append(face(image, ("test",), source.points(file, KEY, (68, 2)) - 1))
    return Annotations("face", SIXTY_EIGHT_POINTS, records, skipped)


def _how_to_convert(source: Source) -> str:
    return (
        f"{source.root} contains .t7 files of Lua Torch, expected .mat files. Convert them with  "
        f"pip install torchfile && cd '{source.root}' && python -c \"import pathlib, scipy.io, "
        "torchfile; [scipy.io.savemat(p.with_suffix('.mat'), "
        f"{{'{KEY}': torchfile.load(str(p))}}) for p in pathlib.Path('.').rglob('*.t7')]\""
    )
