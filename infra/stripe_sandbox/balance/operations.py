"""Reading the balance: https://docs.stripe.com/api/balance_transactions, https://docs.stripe.com/api/balance."""

from collections.abc import Iterable

from infra.stripe_sandbox.balance.model import BalanceTransaction
from infra.stripe_sandbox.balance.render import render
from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.errors import BAD_REQUEST, resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, Listing, Window, page
from infra.stripe_sandbox.params import spec, text
from infra.stripe_sandbox.payouts.model import Payout


class _BalanceTransactions(Listing[BalanceTransaction]):
    kind = "balance_transaction"

    def position(self, call: Call, object_id: str) -> int | None:
        found = call.world.ledger.get(call.account, object_id)
        return None if found is None else found.seq

    def rows(self, call: Call, window: Window) -> Iterable[BalanceTransaction]:
        params, ledger = call.params, call.world.ledger
        _check_payout(call)
        source = params.text("source")
        if source is None:
            return ledger.page(
                call.account,
                edge=window.edge,
                ascending=window.ascending,
                created=window.created,
                count=window.count,
                payout=params.text("payout"),
                currency=params.text("currency"),
                type_=params.text("type"),
            )
        filters = {name: params.text(name) for name in ("payout", "currency", "type") if name in params}
        # As was seen at Stripe: the filter finds no row of a dispute, which carries its rows itself.
        found = [] if source.startswith(f"{Dispute.PREFIX}_") else list(ledger.of_source(call.account, source))
        return (
            row
            for row in (found[::-1] if window.ascending else found)
            if window.holds(row.seq, row.created)
            and all(getattr(row, name) == value for name, value in filters.items())
        )

    def render(self, call: Call, row: BalanceTransaction) -> JsonObject:
        return render(row, call.now)


def _check_payout(call: Call) -> None:
    payout = call.params.text("payout")
    if payout is not None and call.store.get(Payout, call.account, payout) is None:
        raise resource_missing("payout", payout, param="payout", status=BAD_REQUEST)


def list_(call: Call) -> Reply:
    """Return a page of balance transactions, newest first."""
    return Reply(body=page(call, _BalanceTransactions(), url="/v1/balance_transactions"))


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/balance_transactions/{id}`."""
    found = call.world.ledger.get(call.account, call.path["id"])
    if found is None:
        raise resource_missing("balance transaction", call.path["id"], param="id")
    return Reply(body=expanded(call, render(found, call.now)))


def retrieve_balance(call: Call) -> Reply:
    """Return what the account has in each currency."""
    balances = call.world.ledger.balances(call.account)
    return Reply(
        body={
            "object": "balance",
            "available": [_amount(currency, available) for currency, available, _ in balances],
            "livemode": False,
            "pending": [_amount(currency, pending) for currency, _, pending in balances],
            "refund_and_dispute_prefunding": {"available": [], "pending": []},
        }
    )


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


OPERATIONS = (
    ApiOperation(method="GET", path="/v1/balance", accepts=spec(), run=retrieve_balance),
    ApiOperation(
        method="GET",
        path="/v1/balance_transactions",
        accepts=spec(*PAGE_PARAMS, text("payout"), text("source"), text("type"), text("currency")),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/balance_transactions/{id}", accepts=spec(), run=retrieve),
)
