"""`paystream privacy`: erases the personal data of a user, hands it out, and wraps the keys anew."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.commands import actor_option, actor_or_user, command_group, reason_option

privacy = command_group("The personal data of a user.", settings_of=["privacy"])

_USER = typer.Argument(metavar="USER", help="The user's id, as payments name it.")
_MERCHANT = typer.Option("--merchant", help="Whose user it is.")
_REASON = reason_option("Why; written into the log.")
_ACTOR = actor_option("Who does it; written into the log.")


@privacy.command(
    "erase", epilog="Example: paystream privacy erase customer_1001 --merchant shop --reason 'letter of 1 May'"
)
def privacy_erase(  # noqa: PLR0917 - the options of a command
    user: Annotated[str, _USER],
    merchant: Annotated[str, _MERCHANT],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
    force: Annotated[bool, typer.Option("--force", help="Even while payments are under way.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase the personal data of a user for ever.

    Destroys the keys that it is encrypted with; the log stays as it is. Again, it does what an interrupted one left.
    """
    from event_store.privacy.cli_run import run_erase

    raise SystemExit(run_erase(user, merchant, actor=actor_or_user(actor), reason=reason, force=force, yes=yes))


@privacy.command(
    "export",
    epilog="Example: paystream privacy export customer_1001 --merchant shop --reason 'a letter' --output user.json",
)
def privacy_export(
    user: Annotated[str, _USER],
    merchant: Annotated[str, _MERCHANT],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
    output: Annotated[Path | None, typer.Option(help="A file, only for you to read. By default it is printed.")] = None,
) -> None:
    """Hand out everything about a user, as JSON."""
    from event_store.privacy.cli_run import run_export

    raise SystemExit(run_export(user, merchant, actor=actor_or_user(actor), reason=reason, output=output))


@privacy.command("rewrap", epilog="Example: paystream privacy rewrap")
def privacy_rewrap() -> None:
    """Wrap every key with the newest wrapping key.

    That is the first of PRIVACY_WRAPPING_KEYS; afterwards the others are not needed.
    """
    from event_store.privacy.cli_run import run_rewrap

    raise SystemExit(run_rewrap())
