"""`paystream ledger`: the ledger as a file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from infra.cli.commands import command_group

ledger = command_group("The double-entry ledger.", settings_of=["query-api"])


@ledger.command("export", epilog="Example: paystream ledger export --from 2026-05-01 --to 2026-06-01 --output may.csv")
def ledger_export(
    output: Annotated[
        Path, typer.Option(help="The file to write; an existing one is replaced when the new one is whole.")
    ],
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="What kind of file.")] = "csv",
    since: Annotated[datetime | None, typer.Option("--from", help="This moment or later, in UTC.")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="Earlier than this moment, in UTC.")] = None,
) -> None:
    """Write the ledger's lines, the oldest first, into a file."""
    from projections.ledger.cli_run import run_export
    from projections.ledger.export import ExportFormat

    raise SystemExit(run_export(output, form=ExportFormat(form), since=since, until=until))
