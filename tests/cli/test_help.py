"""The help of every command, and the command lines in the documentation, held against the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from lmk.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "models/README.md",
    "benchmarks/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")),
]
OTHER_CODE = ("python", "text", "yaml", "html", "js")
LMK = typer.main.get_command(app)


def commands(command: click.Command = LMK, name: str = "lmk") -> dict[str, click.Command]:
    """Every command and group from one downwards, by the words that call it."""
    found = {name: command}
    for word, below in getattr(command, "commands", {}).items():
        found |= commands(below, f"{name} {word}")
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_explains_itself(name: str) -> None:
    command = commands()[name]
    assert command.help
    assert [p.name for p in command.params if not p.help] == []
    shown = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert shown.exit_code == 0
    assert f"Usage: {name} " in " ".join(shown.stdout.split())
    assert not re.search(r"Traceback|None\b", shown.stdout)


def code_lines(text: str) -> list[str]:
    """Lines of commands in code blocks, indented or fenced; those that go on are put together."""
    lines, fence = [], None
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[3:] if fence is None else None
        elif line.startswith(" " * 4) if fence is None else fence not in OTHER_CODE:
            lines.append(line)
    return re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()


def inline_code(text: str) -> list[str]:
    """What stands between single backquotes, in running text, tables and comments."""
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]


def calls(lines: list[str]) -> list[list[str]]:
    """Arguments of each call of lmk in these lines, whatever starts it or takes what it prints."""
    found = []
    for line in lines:
        if not re.search(r"(^|[\s/])lmk ", line):
            continue
        words = [*shlex.split(line, comments=True), "|"]
        while "|" in words:
            part, words = words[: words.index("|")], words[words.index("|") + 1 :]
            starts = [i for i, word in enumerate(part) if word.rpartition("/")[2] == "lmk"]
            found += [part[start + 1 :] for start in starts]
    return [arguments for arguments in found if arguments]


def resolve(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these arguments call, or the last group of it, and what is left of them."""
    command = LMK
    while arguments and arguments[0] in getattr(command, "commands", {}):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    return command, arguments


def mistakes(arguments: list[str]) -> list[str]:
    """Words that name no command, or no option of it."""
    command, given = resolve(arguments)
    known = {"--help", *(o for p in command.params for o in (*p.opts, *p.secondary_opts))}
    options = [word.partition("=")[0] for word in given if re.match(r"--?[a-z]", word)]
    no_command = given[:1] if hasattr(command, "commands") else []
    return [word for word in dict.fromkeys([*no_command, *options]) if word not in known]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documented_calls_name_commands_and_options_that_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    documented = calls([*code_lines(text), *inline_code(text)])
    assert [(shlex.join(call), mistakes(call)) for call in documented if mistakes(call)] == []


EXAMPLES = [
    shlex.join(arguments)
    for document in DOCUMENTS
    for arguments in calls(code_lines((ROOT / document).read_text()))
    if not {"...", "--help"} & set(arguments)
]


def test_the_documents_have_examples_of_every_command() -> None:
    called = {command.name for command, _ in (resolve(shlex.split(line)) for line in EXAMPLES)}
    assert called == {c.name for c in commands().values() if not hasattr(c, "commands")}


@pytest.mark.parametrize("example", sorted(set(EXAMPLES)))
def test_an_example_gives_its_command_all_that_it_needs_and_values_that_it_takes(
    example: str,
) -> None:
    command, given = resolve(shlex.split(example))
    command.make_context(command.name, given)  # raises click.UsageError


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("lmk walk --help", "walk"),
        ("lmk data pick photos", "pick"),
        ("ffmpeg -i a.mp4 - | .venv/bin/lmk run - -m cats --modle=faces | cat --all", "--modle"),
        ("python -m lmk models show faces \\\n        --jsn  # a comment's", "--jsn"),
    ],
)
def test_mistakes_in_a_document_are_found(line: str, mistake: str) -> None:
    text = f"Run:\n\n    pip install lmk\n    {line}\n\nthen\n`{line}`.\n\n```python\nlmk x\n```\n"
    (in_block,), (in_text,) = calls(code_lines(text)), calls(inline_code(text.replace("\\", "")))
    assert in_block == in_text
    assert mistakes(in_block) == [mistake]
