"""Options that several commands share, so that they are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.artifact.catalogue import PREFERENCE, RUNTIMES

_RUN = "The run"


def one_of(known: Collection[str]) -> Callable[[str], Any]:
    """Make the parser of an option whose value is one of these words."""

    def choice(word: str) -> str:
        if word not in known:
            raise typer.BadParameter(f"'{word}' is not one of {', '.join(map(repr, known))}.")
        return word

    return choice


def choices(known: Collection[str]) -> str:
    """The words that an option accepts, as help shows them in place of its value."""
    return f"<{'|'.join(known)}>"


_RUNTIMES = ("auto", *RUNTIMES)
DEVICES = tuple(PREFERENCE)
_PREFERRED = "; ".join(f"{', '.join(names)} on {device}" for device, names in PREFERENCE.items())


RunFolder = Annotated[
    Path,
    typer.Option("-o", "--output", help="Run folder for the model, the checkpoints and the log."),
]
PictureFolder = Annotated[
    Path | None, typer.Option(help="Folder of pictures, including its subfolders.")
]
PictureSet = Annotated[
    Path | None,
    typer.Option(
        help="In place of --images: a packed set, or a COCO file, from which only the file names "
        "are used."
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        help="Take options from a YAML file or another run folder; options on the command "
        "line take precedence."
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Continue from the checkpoint in the run folder.", rich_help_panel=_RUN
    ),
]
Compiled = Annotated[
    bool,
    typer.Option(
        "--compile", help="Compile the networks with torch.compile.", rich_help_panel=_RUN
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=_RUN)]
Precision = Annotated[
    str,
    typer.Option(
        help="auto (bf16 where the hardware computes in it), fp32 or bf16.", rich_help_panel=_RUN
    ),
]
RuntimeOption = Annotated[
    str,
    typer.Option(
        parser=one_of(_RUNTIMES),
        metavar=choices(_RUNTIMES),
        help="Inference runtime. auto: in lmk run the choice of lmk bench --save, or else the "
        f"first that is installed of {_PREFERRED}; for an engine the runtime that reads it.",
    ),
]
RunDeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        parser=one_of(DEVICES),
        metavar=choices(DEVICES),
        help="Where the model runs; by default on the device of the saved choice, or else "
        "on cpu, and an engine on cuda.",
    ),
]
RequireSignature = Annotated[
    Path | None,
    typer.Option(
        "--require-signature",
        metavar="NAME.pub",
        help="Run only models that this public key signed (lmk adapter sign): .adapter files, and "
        "exported files with their .json. Shipped models, folders, saved choices and cached files "
        "are then not used. A detector given with --region is not checked.",
        show_default=False,
    ),
]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A shipped model's name, a run folder, or a .adapter file."
    ),
]


def require_training() -> None:
    """Raise UnavailableError with the pip command unless the training extra is installed."""
    modules = ("torch", "torchvision", "safetensors", "tensorboard", "yaml", "cv2", "PIL", "scipy")
    _require("train", *modules)


def require_evaluation() -> None:
    """Raise UnavailableError with the pip command unless the evaluation extra is installed."""
    _require("eval", "cv2", "PIL", "scipy", "jinja2")


def _require(extra: str, *modules: str) -> None:
    from importlib.util import find_spec

    from lmk.system.errors import missing_extra

    names = {"cv2": "opencv-python", "yaml": "pyyaml", "PIL": "pillow"}
    for module in modules:
        if find_spec(module) is None:
            raise missing_extra(names.get(module, module), extra)
