"""Every command of `paystream` that a page or a message tells somebody to give can be given."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.main import get_command

from infra.cli.app import app

ROOT = Path(__file__).parents[3]
FOLDERS = ("domain", "schemas", "event_store", "command_api", "consumers", "projections", "query_api", "back_office")
FILES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(path for folder in (*FOLDERS, "infra") for path in ROOT.glob(f"{folder}/**/*.py")),
        *ROOT.glob("infra/deploy/**/*.y*ml"),
        *(ROOT / name for name in ("Makefile", "docker-compose.yml", ".env.example")),
    ]
)
_GIVEN = re.compile(r"(?:^\s*|`|: )(?:\.venv/bin/)?paystream ([a-z][a-z-]*[^`\n|;]*)", re.MULTILINE)
_QUOTED = re.compile(r'"[^"\n]*"')


class Given(NamedTuple):
    """A command as a text has it."""

    place: str
    text: str


def given(path: Path) -> Iterator[Given]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for found in _GIVEN.finditer(_QUOTED.sub("TEXT", line.replace("\\|", "+")) if path.suffix == ".md" else line):
            yield Given(f"{path.relative_to(ROOT)}:{number}", found[1].partition('"')[0].strip())


COMMANDS = [each for path in FILES for each in given(path)]


@cache
def every_command() -> Any:
    return get_command(app)


def wrong(words: list[str]) -> str | None:
    """Return what is wrong with a command; one that is only named needs no options."""
    command = every_command()
    while words and words[0].rstrip(".,:)") in getattr(command, "commands", {}):
        command = command.commands[words.pop(0).rstrip(".,:)")]
    if hasattr(command, "commands"):
        is_other = bool(words) and re.fullmatch("[a-z-]+", words[0]) and not command.invoke_without_command
        return f"there is no {words[0]}" if is_other else None
    options = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
    used = {word.partition("=")[0].rstrip(".,:)\\") for word in words if word.startswith("--")}
    if unknown := used - options - {"--help"}:
        return f"there is no {', '.join(sorted(unknown))}"
    required = [each for each in command.params if each.required and each.param_type_name == "option"]
    missing = [each.opts[0] for each in required if not used & set(each.opts)]
    return f"{', '.join(missing)} is missing" if words and missing else None


def test_the_commands_of_many_files_are_found() -> None:
    assert len(COMMANDS) > 200
    assert {each.place.partition(":")[0] for each in COMMANDS} >= {"docs/access.md", "event_store/access/cli_run.py"}


def test_every_command_that_is_named_can_be_given() -> None:
    found = {each: wrong(each.text.split()) for each in COMMANDS}
    assert {each: fault for each, fault in found.items() if fault} == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("keys create --merchant shop", "--reason is missing"),
        ("keys make", "there is no make"),
        ("audit verify --ful", "there is no --ful"),
        ("keys create", None),
        ("keys create --merchant shop --reason TEXT", None),
        ("relay", None),
    ],
)
def test_a_command_that_cannot_be_given_is_noticed(text: str, fault: str | None) -> None:
    assert wrong(text.split()) == fault
