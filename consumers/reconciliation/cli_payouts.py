"""Runs `paystream payouts`: which transactions a payout pays, at Stripe and in the ledger."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from consumers.reconciliation.admin import ReconciliationAdmin
from consumers.reconciliation.results import PaidItem, Payout, ReconciliationRefused
from domain.ids import PayoutId
from infra.cli.execute import run
from infra.cli.output import console, format_amount, printable
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
        f"{format_amount(payout.amount, payout.currency)}, {len(payout.items)} transactions{complete}",
        style="bold",
    )
    if payout.items:
        out.print(_items(payout.items[:limit]))
    if len(payout.items) > limit:
        out.print(f"{len(payout.items)} in all. All of them: --limit {len(payout.items)}, or --output FILE")
    net = sum(each.stripe_net for each in payout.items)
    ours = sum(each.ledger_net or 0 for each in payout.items)
    out.print(
        f"Sum at Stripe: {format_amount(net, payout.currency)}. In the ledger: {format_amount(ours, payout.currency)}."
    )
    out.print("All agrees." if payout.agrees else "They differ.", style="bold")


def _items(items: Sequence[PaidItem]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Transaction", "Source", "Category", "Payment"):
        table.add_column(column, no_wrap=True)
    for column in ("Stripe", "Ledger"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in items:
        ledger = "-" if each.ledger_net is None else format_amount(each.ledger_net, each.currency)
        table.add_row(
            printable(each.transaction_id),
            printable(each.source_id),
            printable(each.category),
            "-" if each.payment_id is None else str(each.payment_id),
            format_amount(each.stripe_net, each.currency),
            Text(ledger, style="" if each.ledger_net == each.stripe_net else "red"),
        )
    return table


def _write(items: Sequence[PaidItem], output: Path) -> None:
    """Write all items; amounts are in the currency's smallest unit as Stripe counts it."""
    with whole_file(output) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows([getattr(each, name) for name in _COLUMNS] for each in items)
    print(f"{len(items)} transactions are in {output}.", file=sys.stderr)
