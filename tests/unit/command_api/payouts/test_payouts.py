"""What a payout pays, as Stripe tells it: pages, errors, rights."""

from typing import Any

import pytest
import stripe

from command_api.fakes import FixedPaidTransactions
from command_api.payouts.stripe_payouts import PayoutItemsUnknown, StripePaidTransactions
from command_api.stripe_reads import StripeRefused, StripeUnavailable
from infra.stripe.calls import NoGuard
from schemas.http.payouts import PaidTransactionPage
from tests.unit.command_api.client_secrets.test_stripe_secrets import Answering
from tests.unit.command_api.conftest import Standing


def row(number: int, category: str = "charge", source: Any = "ch_1") -> dict[str, Any]:
    return {
        "id": f"txn_{number}",
        "source": source,
        "reporting_category": category,
        "amount": 1000,
        "fee": 59,
        "net": 941,
        "currency": "usd",
        "created": 1_780_000_000,
    }


def at_stripe(transport: stripe.HTTPClient, timeout_s: float = 5) -> StripePaidTransactions:
    client = stripe.StripeClient("sk_test_1", http_client=transport, max_network_retries=0)
    return StripePaidTransactions(client, NoGuard(), timeout_s=timeout_s)


async def test_a_page_is_what_stripe_says_but_for_the_payout_itself() -> None:
    rows = [row(1), row(2, source={"id": "re_1"}), row(3, "payout", "po_1"), row(4, source=None)]
    transport = Answering(body={"object": "list", "data": rows, "has_more": True})
    page = await at_stripe(transport).page("po_1", after="txn_0", limit=4)
    assert [(each.transaction_id, each.source_id) for each in page.data] == [
        ("txn_1", "ch_1"),
        ("txn_2", "re_1"),
        ("txn_4", None),
    ]
    assert (page.data[0].net, page.data[0].currency) == (941, "USD")
    assert (page.has_more, page.next_cursor) == (True, "txn_4")
    ((_, url),) = transport.requests
    assert {"payout=po_1", "limit=4", "starting_after=txn_0"} <= set(url.partition("?")[2].split("&"))


async def test_what_other_payouts_did_to_the_balance_is_paid_too() -> None:
    came_back, by_hand = row(1, "payout_reversal", "po_failed"), row(2, "payout", "po_instant")
    rows = [came_back, row(3, "payout", "po_1"), by_hand, row(4, "payout_reversal", "po_1")]
    page = await at_stripe(Answering(body={"object": "list", "data": rows, "has_more": True})).page(
        "po_1", after=None, limit=4
    )
    assert [each.transaction_id for each in page.data] == ["txn_1", "txn_2"]
    assert page.next_cursor == "txn_4"


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, PayoutItemsUnknown), (400, PayoutItemsUnknown), (401, StripeRefused), (500, StripeUnavailable)],
)
async def test_what_stripe_does_not_tell_has_a_name(status: int, error: type[Exception]) -> None:
    body = {"error": {"type": "invalid_request_error", "message": "No such payout"}}
    with pytest.raises(error):
        await at_stripe(Answering(status, body)).page("po_1", after=None, limit=25)


async def test_stripe_that_hangs_is_not_waited_for() -> None:
    with pytest.raises(StripeUnavailable):
        await at_stripe(Answering(hangs=True), timeout_s=0.01).page("po_1", after=None, limit=25)


async def test_finance_reads_a_page(api: Standing) -> None:
    fake = FixedPaidTransactions()
    api.app.state.paid_transactions = fake
    finance_reader = {"Authorization": "Bearer sk_finance_reader"}
    answer = await api.client.get("/payouts/po_1/transactions?cursor=txn_9&limit=7", headers=finance_reader)
    assert answer.status_code == 200
    assert PaidTransactionPage.model_validate_json(answer.content).data == []
    assert fake.requests == [("po_1", "txn_9", 7)]
    fake.error = PayoutItemsUnknown()
    answer = await api.client.get("/payouts/po_1/transactions", headers=finance_reader)
    assert (answer.status_code, answer.json()["code"]) == (404, "payout_items_unknown")
    fake.error = StripeRefused("no")
    assert (await api.client.get("/payouts/po_1/transactions", headers=finance_reader)).status_code == 502


@pytest.mark.parametrize("address", ["/payouts/po_1/transactions?limit=0", "/payouts/po-1%2F/transactions?a=b"])
async def test_what_is_not_understood_is_refused(api: Standing, address: str) -> None:
    answer = await api.client.get(address, headers={"Authorization": "Bearer sk_finance_reader"})
    assert answer.status_code in {400, 404}


async def test_others_are_refused(api: Standing) -> None:
    assert (await api.client.get("/payouts/po_1/transactions")).status_code == 403
