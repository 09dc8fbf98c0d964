"""`paystream staff`: what the accounts of the back office need, and who of them is locked."""

from typing import Annotated

import typer

from infra.cli.commands import JSON_LINES, actor_option, actor_or_user, command_group, reason_option

staff = command_group("Accounts of the back office.", settings_of=["back-office"])

_NAME = typer.Argument(metavar="NAME", help="The account's name in BACK_OFFICE_STAFF.")
_REASON = reason_option("Why; kept with the event.")
_ACTOR = actor_option("Who does it; kept with the event.")


@staff.callback()
def _group() -> None:
    """Keep the commands in a group."""


@staff.command("hash", epilog="Example: paystream staff hash")
def hash_() -> None:
    """Print the hash of a password, for BACK_OFFICE_STAFF.

    It is typed twice; in a pipe it is the first line of the standard input.
    """
    from back_office.staff.cli_run import run_hash

    raise SystemExit(run_hash())


@staff.command("totp", epilog="Example: paystream staff totp anna")
def totp(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account's name, for the app to show.")],
) -> None:
    """Print a new secret for an authenticator app.

    It goes into BACK_OFFICE_STAFF, and is shown this once. Who loses the phone is given another one.
    """
    from back_office.staff.cli_run import run_totp

    raise SystemExit(run_totp(name))


@staff.command("list", epilog="Example: paystream staff list")
def list_(as_json: Annotated[bool, JSON_LINES] = False) -> None:
    """List the accounts, and who is locked."""
    from back_office.staff.cli_locks import run_list

    raise SystemExit(run_list(as_json=as_json))


@staff.command("lock", epilog="Example: paystream staff lock anna --reason 'a lost laptop'")
def lock(
    name: Annotated[str, _NAME],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Keep somebody out.

    Their sessions end within seconds, in every process of the back office.
    """
    from back_office.staff.cli_locks import run_change

    raise SystemExit(run_change(name, "lock", actor=actor_or_user(actor), reason=reason))


@staff.command("unlock", epilog="Example: paystream staff unlock anna --reason 'it was found'")
def unlock(
    name: Annotated[str, _NAME],
    reason: Annotated[str, _REASON],
    actor: Annotated[str | None, _ACTOR] = None,
) -> None:
    """Let somebody log in again.

    Sessions from before the lock stay ended.
    """
    from back_office.staff.cli_locks import run_change

    raise SystemExit(run_change(name, "unlock", actor=actor_or_user(actor), reason=reason))
