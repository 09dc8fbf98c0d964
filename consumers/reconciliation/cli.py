"""`paystream reconcile`, `discrepancies` and `payouts`: Stripe's statement and the ledger side by side, for finance."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

from domain.ids import DiscrepancyId, PayoutId
from infra.cli.commands import (
    JSON_LINES,
    LARGEST_INTEGER,
    actor_option,
    actor_or_user,
    command_group,
    reason_option,
    single_command,
)

_PROCESSES = ("worker-reconciliation",)

discrepancies = command_group("Differences between Stripe's statement and the ledger.", settings_of=_PROCESSES)
payouts = command_group("Payouts and the transactions that they pay.", settings_of=_PROCESSES)

_DISCREPANCY = typer.Argument(metavar="DISCREPANCY", help="Its id, as the list shows it.")
_DAY = typer.Option("--date", formats=["%Y-%m-%d"], help="A day like 2026-05-01.")


@single_command("Example: paystream reconcile --date 2026-05-01", settings_of=_PROCESSES)
def reconcile(
    day: Annotated[datetime | None, _DAY] = None,
    *,
    report: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Stripe's report as a CSV file: balance change from activity, or payout reconciliation; itemized.",
        ),
    ] = None,
    kind: Annotated[
        Literal["activity", "payouts"] | None, typer.Option(help="Which report it is, if its columns do not say.")
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Of its column `created`, if it has no `created_utc`.")] = None,
    actor: Annotated[str | None, actor_option("Who asks; recorded.")] = None,
) -> None:
    """Compare the ledger with Stripe's statement.

    The day is yesterday unless --date says another. --report compares with a report that Stripe made. Exit code 0 says
    that no discrepancy is open, 1 that one is, or that the run failed, 2 that it could not be asked for.
    """
    from consumers.reconciliation.cli_run import run_reconcile, run_report

    if report is None:
        if kind or time_zone:
            raise typer.BadParameter("--kind and --time-zone belong to --report")
        raise SystemExit(run_reconcile(day.date() if day else None, actor=actor_or_user(actor)))
    if day is not None:
        raise typer.BadParameter("a report says its days itself: give --date or --report")
    raise SystemExit(run_report(report, kind=kind, time_zone=time_zone, actor=actor_or_user(actor)))


@discrepancies.command("list", epilog="Example: paystream discrepancies list --status open --date 2026-05-01")
def discrepancies_list(
    status: Annotated[
        list[str] | None, typer.Option(help="open, explained or resolved; may be repeated. [open, explained]")
    ] = None,
    day: Annotated[datetime | None, _DAY] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, for example: missing_here")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_INTEGER, help="The most to show.")] = 50,
    as_json: Annotated[bool, JSON_LINES] = False,
) -> None:
    """List discrepancies, newest day first."""
    from consumers.reconciliation.cli_run import run_list

    statuses = status or ["open", "explained"]
    raise SystemExit(run_list(statuses, day=day.date() if day else None, kind=kind, limit=limit, as_json=as_json))


@discrepancies.command(
    "explain",
    epilog="Example: paystream discrepancies explain 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'a fee of April'",
)
def discrepancies_explain(
    discrepancy: Annotated[UUID, _DISCREPANCY],
    reason: Annotated[str, reason_option("Why it is acceptable; recorded as an event.")],
    actor: Annotated[str | None, actor_option("Who says so.")] = None,
) -> None:
    """Record why a discrepancy is acceptable. It is no longer open, unless it changes."""
    from consumers.reconciliation.cli_run import run_explain

    raise SystemExit(run_explain(DiscrepancyId(discrepancy), actor=actor_or_user(actor), reason=reason))


@discrepancies.command(
    "resolve",
    epilog="Example: paystream discrepancies resolve 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --reason 'booked by hand'",
)
def discrepancies_resolve(
    discrepancy: Annotated[UUID, _DISCREPANCY],
    reason: Annotated[str, reason_option("What resolved it; recorded as an event.")],
    actor: Annotated[str | None, actor_option("Who says so.")] = None,
) -> None:
    """Record that a discrepancy is resolved. A run that finds it again reopens it."""
    from consumers.reconciliation.cli_run import run_resolve

    raise SystemExit(run_resolve(DiscrepancyId(discrepancy), actor=actor_or_user(actor), reason=reason))


@discrepancies.command(
    "assign", epilog="Example: paystream discrepancies assign 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --to anna"
)
def discrepancies_assign(
    discrepancy: Annotated[UUID, _DISCREPANCY],
    to: Annotated[str | None, typer.Option(help="Who looks into it. [nobody any more]")] = None,
    reason: Annotated[str | None, reason_option("Why; recorded as an event.")] = None,
    actor: Annotated[str | None, actor_option("Who says so.")] = None,
) -> None:
    """Record who looks into a discrepancy."""
    from consumers.reconciliation.cli_run import run_assign

    raise SystemExit(
        run_assign(DiscrepancyId(discrepancy), assignee=to or None, actor=actor_or_user(actor), reason=reason)
    )


@payouts.command("show", epilog="Example: paystream payouts show po_1MtHbELkdIwHu7ix --output payout.csv")
def payouts_show(
    payout: Annotated[str, typer.Argument(metavar="PAYOUT", help="Stripe's id of an automatic payout: po_...")],
    *,
    output: Annotated[Path | None, typer.Option(help="Write all of it into this CSV file.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_INTEGER, help="The most transactions to show.")] = 50,
) -> None:
    """Show which transactions a payout pays, at Stripe and in the ledger. Exit code 0 says that they agree."""
    from consumers.reconciliation.cli_payouts import run_show

    raise SystemExit(run_show(PayoutId(payout), output=output, limit=limit))
