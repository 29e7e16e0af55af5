"""`lmk data prepare`: public data sets to crops and COCO keypoint files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli.echo import echo
from lmk.data.prepare.catalogue import PUBLIC_SETS

_LIST = "\n".join(f"- {public_set.name}: {public_set.summary}" for public_set in PUBLIC_SETS)
HELP = f"""Turn a public data set, as downloaded, into crops and COCO keypoint files.

NAME is one of:

{_LIST}

Nothing is downloaded. If a file is missing, the error names it and the page that offers it.
"""


def prepare(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set, see above.")],
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Folder that the data set was unpacked to.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="New folder for images/, train.json, ...")
    ],
    size: Annotated[int, typer.Option(min=32, help="Side of the square crops in pixels.")] = 160,
) -> None:
    """Write the crops and COCO files; the help text is `HELP`."""
    from lmk.data.prepare.write import prepare as prepare_set
    from lmk.system.progress import Reporter

    done = prepare_set(name, source, output, Reporter(), size)
    for split, count in done.images.items():
        echo(f"{output / f'{split}.json'}  {count:,} images")
    if done.note:
        echo(done.note)
