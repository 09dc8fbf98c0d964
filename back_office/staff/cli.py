"""`paystream staff`: what the accounts of the back office need."""

from typing import Annotated

import typer

from infra.cli.commands import command_group

staff = command_group("Accounts of the back office.")


@staff.callback()
def _group() -> None:
    """Keep the commands in a group."""


@staff.command("hash")
def hash_() -> None:
    """Print the hash of a password, for BACK_OFFICE_STAFF.

    It is typed twice; in a pipe it is the first line of the standard input.
    """
    from back_office.staff.cli_run import run_hash

    raise SystemExit(run_hash())


@staff.command("totp")
def totp(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account's name, for the app to show.")],
) -> None:
    """Print a new secret for an authenticator app.

    It goes into BACK_OFFICE_STAFF, and is shown this once. Who loses the phone is given another one.
    """
    from back_office.staff.cli_run import run_totp

    raise SystemExit(run_totp(name))
