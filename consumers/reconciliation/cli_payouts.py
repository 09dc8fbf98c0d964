"""Runs `paystream payouts`: which transactions a payout pays, at Stripe and in the ledger."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from consumers.reconciliation.admin import ReconciliationAdmin
from consumers.reconciliation.cli_run import format_money
from consumers.reconciliation.results import PaidItem, Payout, ReconciliationRefused
from domain.ids import PayoutId
from event_store.command_line import run
from infra.cli.output import console, plain_table, printable
from infra.files import whole_file

_COLUMNS = ("transaction_id", "source_id", "category", "payment_id", "currency", "stripe_net", "ledger_net")


def run_show(payout_id: PayoutId, *, output: Path | None, limit: int) -> int:
    """Print a payout; 1 when it is not the sum of what it pays, or the ledger has something else."""

    async def work() -> int:
        payout = await ReconciliationAdmin().payout(payout_id)
        _print(payout, limit)
        if output is not None:
            try:
                _write(payout.items, output)
            except OSError as error:
                raise ReconciliationRefused(f"{output} cannot be written: {error.strerror or error}") from None
        return 0 if payout.agrees else 1

    return run(work())


def _print(payout: Payout, limit: int) -> None:
    out = console()
    complete = "" if payout.final else ", which Stripe may still add to"
    out.print(
        f"Payout {printable(payout.payout_id)} of {payout.created:%Y-%m-%d %H:%M:%S} UTC: "
        f"{format_money(payout.amount)}, {len(payout.items)} transactions{complete}",
        style="bold",
    )
    if payout.items:
        out.print(_items(payout.items[:limit]))
    if len(payout.items) > limit:
        out.print(f"{len(payout.items)} in all. All of them: --limit {len(payout.items)}, or --output FILE")
    out.print(f"Sum at Stripe: {format_money(payout.stripe_sum)}. In the ledger: {format_money(payout.ledger_sum)}.")
    out.print("All agrees." if payout.agrees else "They differ.", style="bold")


def _items(items: Sequence[PaidItem]) -> Table:
    table = plain_table()
    for column in ("Transaction", "Source", "Category", "Payment"):
        table.add_column(column, no_wrap=True)
    for column in ("Stripe", "Ledger"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in items:
        ledger = "-" if each.ledger_net is None else format_money(each.ledger_net)
        table.add_row(
            printable(each.transaction_id),
            printable(each.source_id),
            printable(each.category),
            "-" if each.payment_id is None else str(each.payment_id),
            format_money(each.stripe_net),
            Text(ledger, style="" if each.ledger_net == each.stripe_net else "red"),
        )
    return table


def _row(item: PaidItem) -> tuple[object, ...]:
    """Return what stands below `_COLUMNS`."""
    ledger_net = None if item.ledger_net is None else item.ledger_net.amount_cents
    ids = (item.transaction_id, item.source_id, item.category, item.payment_id)
    return (*ids, item.stripe_net.currency, item.stripe_net.amount_cents, ledger_net)


def _write(items: Sequence[PaidItem], output: Path) -> None:
    """Write all items; amounts are in the currency's smallest unit as Stripe counts it."""
    with whole_file(output) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(map(_row, items))
    print(f"{len(items)} transactions are in {output}.", file=sys.stderr)
