"""How the parts of the system add commands to `paystream`.

A part declares its commands in a module `cli.py` and names them in the entry-point group `paystream.commands`
(pyproject.toml): a group of commands, or a function that is a command of its own. Such a module loads nothing but this
one and typer: `paystream --help` imports all of them. What a command needs is imported when it runs.
"""

from collections.abc import Callable, Iterable
from getpass import getuser
from importlib.metadata import entry_points
from typing import Any, TypeVar

import typer

GROUP = "paystream.commands"

MAX_REASON_CHARS = 500
"""As over HTTP."""

LARGEST_INTEGER = 2**31 - 1
"""PostgreSQL's integer: for how many of something."""

LARGEST_BIGINT = 2**63 - 1
"""PostgreSQL's bigint: for ids, versions and positions."""

JSON_LINES = typer.Option("--json", help="Print JSON lines, for machines.")
"""For a command that prints a table: a line for each row, and nothing besides."""

Command = typer.Typer | Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])

_settings_of: dict[Command, tuple[str, ...]] = {}
_epilog_of: dict[Command, str] = {}


def command_group(description: str, *, settings_of: Iterable[str] = ()) -> typer.Typer:
    """Return an empty group of commands, described so in the help.

    `settings_of` names the processes whose settings its commands read; of two values of one setting the first wins.
    """
    group = typer.Typer(help=description, no_args_is_help=True)
    _settings_of[group] = tuple(settings_of)
    return group


def single_command(epilog: str, *, settings_of: Iterable[str] = ()) -> Callable[[F], F]:
    """Mark a function as a command of its own; `epilog` ends its help, `settings_of` as for a group."""

    def mark(function: F) -> F:
        _settings_of[function] = tuple(settings_of)
        _epilog_of[function] = epilog
        return function

    return mark


def reason_option(description: str) -> Any:
    """Declare `--reason`, which is kept for ever: a blank one is refused, and one that is too long."""
    return typer.Option("--reason", help=description, callback=_checked_reason)


def actor_option(description: str) -> Any:
    """Declare `--actor`, by default the user of this machine; a blank one is refused."""
    return typer.Option("--actor", help=f"{description} By default the user of this machine.", callback=_checked_actor)


def actor_or_user(actor: str | None) -> str:
    """Return who was named, or the user of this machine. Refuses when it has no name, as in a container."""
    if actor is not None:
        return actor
    try:
        return getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        raise typer.BadParameter("the user of this machine has no name: say who with --actor") from None


def _checked_reason(reason: str | None) -> str | None:
    if reason is not None and not reason.strip():
        raise typer.BadParameter("say why")
    if reason is not None and len(reason) > MAX_REASON_CHARS:
        raise typer.BadParameter(f"has {len(reason)} characters; it may have {MAX_REASON_CHARS}")
    return reason


def _checked_actor(actor: str | None) -> str | None:
    if actor is not None and not actor.strip():
        raise typer.BadParameter("say who")
    return actor


def declared_commands() -> dict[str, Command]:
    """Return what the installed package declares, by name, in the order of the names."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def add_declared_commands(app: typer.Typer) -> dict[str, tuple[str, ...]]:
    """Add the declared commands; return of each the processes whose settings it reads."""
    commands = declared_commands()
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, epilog=_epilog_of.get(command))(command)
    return {name: _settings_of.get(command, ()) for name, command in commands.items()}
