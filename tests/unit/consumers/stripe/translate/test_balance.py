"""Stripe's objects as observations: every field that is recorded, and what cannot be read."""

from collections.abc import Callable
from typing import Any

import pytest

from consumers.stripe.translate.balance import payout_of, statement_payout_of, statement_row_of, transaction_of
from consumers.stripe.translate.errors import UnexpectedObject
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded

ROW: dict[str, Any] = {
    "id": "txn_1",
    "object": "balance_transaction",
    "amount": -1000,
    "available_on": 1_700_172_800,
    "created": 1_700_000_000,
    "currency": "kwd",
    "description": None,
    "exchange_rate": None,
    "fee": -1500,
    "fee_details": [],
    "net": 500,
    "reporting_category": "dispute",
    "source": "du_1",
    "status": "pending",
    "type": "adjustment",
}
PAYOUT: dict[str, Any] = {
    "id": "po_1",
    "object": "payout",
    "amount": 941,
    "arrival_date": 1_700_086_400,
    "automatic": True,
    "created": 1_700_000_000,
    "currency": "usd",
    "failure_code": "account_closed",
    "status": "failed",
}


def test_a_balance_transaction_is_recorded_as_it_is() -> None:
    assert transaction_of(ROW) == TransactionRecorded(
        transaction_id=BalanceTransactionId("txn_1"),
        type="adjustment",
        reporting_category="dispute",
        amount=-1000,
        fee=-1500,
        net=500,
        currency="KWD",
        source_id=BalanceSourceId("du_1"),
        exchange_rate=None,
        description=None,
        created=1_700_000_000,
        available_on=1_700_172_800,
    )


def test_a_description_that_cannot_be_stored_costs_no_row() -> None:
    assert transaction_of(ROW | {"description": "\ud83d Paid\0"}).description == "\ufffd Paid\ufffd"


@pytest.mark.parametrize(("source", "source_id"), [(None, None), ("ch_1", "ch_1"), ({"id": "ch_1"}, "ch_1")])
def test_its_source_is_an_id_or_none(source: object, source_id: str | None) -> None:
    assert transaction_of(ROW | {"source": source}).source_id == source_id


def test_a_rate_keeps_its_digits() -> None:
    assert transaction_of(ROW | {"exchange_rate": 1.0812345}).exchange_rate == "1.0812345"


def test_a_payout_is_recorded_as_it_is() -> None:
    assert payout_of(PAYOUT) == PayoutChanged(
        payout_id=PayoutId("po_1"),
        amount=941,
        currency="USD",
        status=PayoutStatus.FAILED,
        automatic=True,
        arrival_date=1_700_086_400,
        failure_code="account_closed",
        created=1_700_000_000,
    )


@pytest.mark.parametrize("change", [{"amount": None}, {"fee": "many"}, {"reporting_category": ...}])
def test_a_row_of_another_shape_is_refused_by_its_id(change: dict[str, Any]) -> None:
    row = {name: value for name, value in (ROW | change).items() if value is not ...}
    with pytest.raises(UnexpectedObject, match="txn_1"):
        transaction_of(row)


def test_a_status_of_tomorrow_is_refused() -> None:
    with pytest.raises(UnexpectedObject, match="po_1"):
        payout_of(PAYOUT | {"status": "teleported"})


NO_IDS: list[Any] = [..., None, 7, "", "txn\0_1", "t" * 256, ["txn_1"], {"id": "txn_1"}]


@pytest.mark.parametrize("read", [transaction_of, payout_of, statement_row_of, statement_payout_of])
@pytest.mark.parametrize("found", NO_IDS)
def test_a_row_without_an_id_is_refused(read: Callable[[Any], object], found: Any) -> None:
    row = {name: value for name, value in ({**ROW, **PAYOUT, "id": found}).items() if value is not ...}
    with pytest.raises(UnexpectedObject, match="it has no id"):
        read(row)


@pytest.mark.parametrize("read", [transaction_of, payout_of, statement_row_of, statement_payout_of])
@pytest.mark.parametrize("row", [None, 7, "txn_1", [ROW]])
def test_what_is_no_object_is_refused(read: Callable[[Any], object], row: Any) -> None:
    with pytest.raises(UnexpectedObject):
        read(row)


@pytest.mark.parametrize("field", ["created", "available_on"])
@pytest.mark.parametrize("moment", [1.5, "1700000000", True, -1, 1_700_000_000_000_000])
def test_a_moment_that_no_calendar_has_is_refused(field: str, moment: Any) -> None:
    """The ledger could not post it, and nothing that comes after it."""
    with pytest.raises(UnexpectedObject, match=field):
        transaction_of(ROW | {field: moment})


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 10.5},
        {"amount": 2**63},
        {"fee": "59"},
        {"currency": None},
        {"exchange_rate": "much"},
        {"exchange_rate": 0},
        {"exchange_rate": {}},
        {"reporting_category": "\ud800"},
    ],
)
@pytest.mark.parametrize("read", [transaction_of, statement_row_of])
def test_no_amount_is_guessed(read: Callable[[Any], object], change: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedObject, match="txn_1"):
        read(ROW | change)
