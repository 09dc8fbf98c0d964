"""`paystream staff`: what the accounts of the back office need."""

from infra.cli.commands import command_group

staff = command_group("Accounts of the back office.")


@staff.callback()
def _group() -> None:
    """Keep `hash` a command of a group: typer makes a single command the group itself."""


@staff.command("hash")
def hash_() -> None:
    """Print the hash of a password, for BACK_OFFICE_STAFF.

    It is typed twice; in a pipe it is the first line of the standard input.
    """
    from back_office.staff.cli_run import run_hash

    raise SystemExit(run_hash())
