"""`paystream migrate` and `paystream migrate-create`."""

from typing import Annotated

import typer

from infra.cli.commands import single_command


@single_command("Example: paystream migrate", settings_of=["migrate"])
def migrate() -> None:
    """Bring the database to the newest schema.

    MIGRATION_DATABASE_URL names the database and the role that owns it.
    """
    from infra.migrations.cli_run import run_migrate

    raise SystemExit(run_migrate())


@single_command("Example: paystream migrate-create 'add disputes'")
def migrate_create(message: Annotated[str, typer.Argument(help="What the migration does, in a few words.")]) -> None:
    """Write the files of a new migration."""
    from infra.migrations.cli_run import run_migrate_create

    raise SystemExit(run_migrate_create(message))
