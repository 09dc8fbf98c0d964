"""Reads from Stripe what an automatic payout pays: https://docs.stripe.com/api/balance_transactions/list."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import stripe

from command_api.errors import CommandError
from command_api.stripe_reads import read_failure
from domain.ids import BalanceSourceId, PayoutId
from domain.stripe_balance import is_payout_itself
from infra.stripe.calls import Guard, StripeCalls
from schemas.http.payouts import PaidTransaction, PaidTransactionPage

_NOT_FOUND = 404
_BAD_REQUEST = 400


class PayoutItemsUnknown(CommandError):
    """Stripe has no such payout, or one that is not automatic: of those it does not say what they pay."""

    code = "payout_items_unknown"

    def __init__(self) -> None:
        super().__init__("Stripe does not say what this payout pays: it is not automatic, or there is none.")


class PaidTransactions(Protocol):
    """Where the rows that a payout pays come from."""

    async def page(self, payout_id: str, *, after: str | None, limit: int) -> PaidTransactionPage:
        """Return a page, newest first, behind the row `after`.

        Raises PayoutItemsUnknown, StripeRefused, or infra.errors.Unavailable: ask again later.
        """


class StripePaidTransactions:
    """`PaidTransactions` at Stripe itself, or its sandbox. A call ends within `timeout_s` of its turn."""

    def __init__(self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float) -> None:
        self._calls = StripeCalls(client, guard, timeout_s=timeout_s)

    async def page(self, payout_id: str, *, after: str | None, limit: int) -> PaidTransactionPage:
        """Ask Stripe for a page. The payout's own row is left out."""
        params: dict[str, Any] = {"payout": payout_id, "limit": limit}
        if after is not None:
            params["starting_after"] = after
        try:
            async with self._calls.guarded():
                found = await self._calls.request("get", "/v1/balance_transactions", params)
        except (stripe.StripeError, TimeoutError) as error:
            raise _error_of(error, payout_id) from None
        rows = [_row(row) for row in found["data"]]
        return PaidTransactionPage(
            data=[row for row in rows if not _is_itself(payout_id, row)],
            has_more=bool(found["has_more"]),
            next_cursor=rows[-1].transaction_id if found["has_more"] and rows else None,
        )


def _is_itself(payout_id: str, row: PaidTransaction) -> bool:
    source_id = None if row.source_id is None else BalanceSourceId(row.source_id)
    return is_payout_itself(PayoutId(payout_id), source_id=source_id, category=row.category)


def _row(row: Mapping[str, Any]) -> PaidTransaction:
    source = row.get("source")
    return PaidTransaction(
        transaction_id=row["id"],
        source_id=source["id"] if isinstance(source, dict) else source,
        category=row["reporting_category"],
        amount=row["amount"],
        fee=row["fee"],
        net=row["net"],
        currency=row["currency"].upper(),
        created_at=datetime.fromtimestamp(row["created"], UTC),
    )


def _error_of(error: stripe.StripeError | TimeoutError, payout_id: str) -> Exception:
    if getattr(error, "http_status", None) in {_NOT_FOUND, _BAD_REQUEST}:
        return PayoutItemsUnknown()
    refused = "Stripe refused to show what the payout pays."
    return read_failure(error, "payout_items_not_read", payout=payout_id, refused=refused)
