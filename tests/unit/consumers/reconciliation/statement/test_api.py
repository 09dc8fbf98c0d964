"""The statement over the API, of rows that are of another shape than Stripe's documentation says."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
import stripe
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from consumers.reconciliation.statement.api import ApiStatement
from consumers.stripe.translate.errors import UnexpectedObject
from domain.ids import BalanceSourceId, PayoutId
from infra.stripe.calls import NoGuard

ROW: dict[str, Any] = {
    "id": "txn_1",
    "amount": 1000,
    "fee": 59,
    "currency": "usd",
    "created": 1_700_000_000,
    "reporting_category": "charge",
    "source": "ch_1",
}
PAYOUT: dict[str, Any] = {
    "id": "po_1",
    "amount": 941,
    "currency": "usd",
    "created": 1_700_000_000,
    "automatic": True,
    "reconciliation_status": "completed",
}
UNREADABLE: tuple[Any, ...] = (None, "txn_2", {}, ROW | {"id": 2}, ROW | {"id": "txn_bad", "amount": None})


@dataclass
class Answers:
    """Stripe's client: answers what it is given, by path; the pages of a list one after the other."""

    by_path: dict[str, list[Any]]
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def raw_request_async(self, method: str, path: str, **params: Any) -> SimpleNamespace:
        assert method == "get"
        self.requests.append(params)
        answers = self.by_path[path.removeprefix("/v1/")]
        return SimpleNamespace(data=answers.pop(0) if len(answers) > 1 else answers[0])


def a_page(*rows: Any, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more}


def statement(client: Answers) -> ApiStatement:
    return ApiStatement(cast("stripe.StripeClient", client), NoGuard(), timeout_s=10)


def left_out(list_: str) -> float:
    return REGISTRY.get_sample_value("stripe_list_rows_left_out_total", {"list": list_}) or 0.0


async def test_rows_that_cannot_be_read_are_said_and_hold_up_no_other() -> None:
    pages = [
        a_page(UNREADABLE[0], ROW, *UNREADABLE[1:-1], has_more=True),
        a_page(UNREADABLE[-1], ROW | {"id": "txn_0"}, None),
    ]
    client, before = Answers({"balance_transactions": pages}), left_out("balance_transactions")
    with capture_logs() as logs:
        found = [row.transaction_id async for page in statement(client).rows(0, 10) for row in page]
    assert found == ["txn_1", "txn_0"]
    assert [each.get("starting_after") for each in client.requests] == [None, "txn_1"]
    assert [each["stripe_id"] for each in logs] == [None, None, None, None, "txn_bad", None]
    assert {(each["event"], each["log_level"]) for each in logs} == {("stripe_list_row_left_out", "error")}
    assert left_out("balance_transactions") - before == 6


async def test_rows_of_a_dispute_that_cannot_be_read_are_left_out() -> None:
    client = Answers({"disputes/du_1": [{"id": "du_1", "balance_transactions": [*UNREADABLE, ROW]}]})
    found = await statement(client).rows_of(BalanceSourceId("du_1"))
    assert [row.transaction_id for row in found] == ["txn_1"]


async def test_payouts_that_cannot_be_read_hold_up_no_other() -> None:
    unreadable = (None, 7, PAYOUT | {"id": None}, PAYOUT | {"id": "po_bad", "currency": None}, {"id": "po_worse"})
    by_hand = PAYOUT | {"id": "po_by_hand", "automatic": False}
    client = Answers({"payouts": [a_page(*unreadable, by_hand, PAYOUT)], "balance_transactions": [a_page(None, ROW)]})
    before = left_out("payouts")
    (payout,) = [each async for each in statement(client).payouts(0, 10)]
    assert (payout.payout_id, payout.items, payout.items_net.amount_cents, payout.final) == ("po_1", 1, 941, True)
    assert left_out("payouts") - before == len(unreadable)


async def test_one_payout_that_cannot_be_read_is_refused() -> None:
    client = Answers({"payouts/po_1": [PAYOUT | {"amount": "much"}]})
    with pytest.raises(UnexpectedObject, match="po_1"):
        await statement(client).payout(PayoutId("po_1"))


@pytest.mark.parametrize("answer", [a_page(None, {}, has_more=True), {"data": None, "has_more": False}, {}])
async def test_a_list_that_cannot_be_read_on_is_no_statement(answer: dict[str, Any]) -> None:
    client = Answers({"balance_transactions": [answer]})
    with pytest.raises(UnexpectedObject):
        _ = [page async for page in statement(client).rows(0, 10)]
