"""`paystream audit`: what an auditor sees of the log, and of what was built from it. Nothing here changes either."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from infra.cli.commands import command_group

audit = command_group("What an auditor sees: nothing is changed.", settings_of=["audit"])


@audit.command("show")
def show(
    payment: Annotated[str, typer.Argument(help="The payment's id.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="As it was at this moment (ISO 8601, in UTC unless it has an offset), or position."),
    ] = None,
    version: Annotated[int | None, typer.Option(min=1, help="As it was after its event of this number.")] = None,
    form: Annotated[Literal["table", "json", "html"], typer.Option("--format", help="How it is shown.")] = "table",
    output: Annotated[Path | None, typer.Option(help="The file to write; by default it is printed.")] = None,
) -> None:
    """Show what happened to a payment.

    Who did what and why, what it changed, and the money after it.
    """
    from projections.audit.cli_run import run_show

    raise SystemExit(run_show(payment, as_of=as_of, version=version, form=form, output=output))


@audit.command("replay")
def replay(
    *,
    since: Annotated[str | None, typer.Option("--from", help="This moment or position, or later.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="This moment or position, or earlier.")] = None,
    merchant: Annotated[str | None, typer.Option(help="Only events of this merchant.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only events of this category; may be repeated.")] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Into this file: .jsonl, .csv or .parquet. What was cut short goes on.")
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Into this Kafka topic, which is made when it is not there.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Into a live topic too: its consumers get all again.")] = False,
    as_recorded: Annotated[
        bool, typer.Option("--as-recorded", help="Personal data encrypted as it is in the log. A topic has it so.")
    ] = False,
) -> None:
    """Stream the log in order.

    To the standard output as JSON lines, into a file, or into a topic of its own.
    """
    from projections.audit.cli_replay import ReplayRequest, run_replay

    request = ReplayRequest(
        since=since,
        until=until,
        merchant_id=merchant,
        categories=tuple(category or ()) or None,
        types=tuple(type_ or ()) or None,
        as_recorded=as_recorded,
    )
    raise SystemExit(run_replay(request, into=into, topic=topic, force=force))


@audit.command("diff")
def diff(
    projection: Annotated[str | None, typer.Option(help="Of one projection alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most rows to print of a table.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Compare the read model with a replay.

    The log is replayed into tables of its own, and every row is compared. Exit code 1 says that a row differs.
    """
    from projections.audit.cli_run import run_diff

    raise SystemExit(run_diff(projection, limit=limit, as_json=as_json))


@audit.command("invariants")
def invariants(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Check every invariant of money.

    Over the whole log. Exit code 1 says that one is violated.
    """
    from projections.audit.cli_run import run_invariants

    raise SystemExit(run_invariants(as_json=as_json))
