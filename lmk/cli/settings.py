"""The fields of a dataclass as options of a command."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer

from lmk.system.text import writable

Settings = TypeVar("Settings")


def with_settings(*settings: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command with keyword arguments one option per field of these dataclasses.

    Help, panel and range come from the field's metadata; a field with choices accepts those words.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()
        named = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
        added = [parameter for one in settings for parameter in _parameters(one)]
        command.__signature__ = inspect.Signature([*named, *added])  # type: ignore[attr-defined]
        return command

    return decorate


def pick(settings: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Make one of these dataclasses from the options of a command."""
    return settings(**{field.name: plain(values[field.name]) for field in fields(settings)})  # type: ignore[arg-type]


def given(ctx: typer.Context, names: set[str]) -> dict[str, Any]:
    """Values of the options that the user gave, as plain words, numbers and strings."""
    return {
        name: plain(ctx.params[name])
        for name in names
        if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }


def plain(value: Any) -> Any:
    """An option's value as YAML can hold it."""
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def typed() -> str:
    """The command as the user typed it."""
    return writable(shlex.join(["lmk", *sys.argv[1:]]))


def choices(literal: Any) -> Any:
    """The words of a Literal, as the type of an option."""
    words = {word: word for word in get_args(literal)}
    return Enum("Choice", words, type=str)


def _parameters(settings: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(settings)
    found = []
    for setting in fields(settings):
        kind, known = hints[setting.name], setting.metadata
        option = typer.Option(
            help=known["help"], rich_help_panel=known["panel"], min=known["min"], max=known["max"]
        )
        default: Any = setting.default
        found.append(
            inspect.Parameter(
                setting.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=round(default, 4) if kind is float else default,
                annotation=Annotated[
                    choices(kind) if get_origin(kind) is Literal else kind, option
                ],
            )
        )
    return found
