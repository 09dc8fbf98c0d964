"""What can be exported: from which list of the query API, with which columns. Pure.

Amounts are there twice: in the smallest unit as Stripe counts it, and as people write them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from back_office.staff.roles import Permission
from back_office.web.money import format_number

Json = dict[str, Any]
Kind = Literal["text", "integer", "moment", "boolean"]
Value = str | int | bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A list that can be taken away as a file."""

    path: str
    permission: Permission
    columns: Mapping[str, Kind]
    rows: Callable[[Json], Iterator[list[Value]]]
    """An element of the list as rows, their values in the order of the columns."""


def _payment(payment: Json) -> Iterator[list[Value]]:
    error, dispute = payment["last_error"] or {}, payment["dispute"] or {}
    currency = payment["currency"]
    yield [
        *(payment[name] for name in ("id", "created_at", "user_id", "status", "currency", "amount_cents")),
        format_number(payment["amount_cents"], currency, grouped=False),
        payment["amount_captured_cents"],
        format_number(payment["amount_captured_cents"], currency, grouped=False),
        payment["amount_refunded_cents"],
        format_number(payment["amount_refunded_cents"], currency, grouped=False),
        error.get("decline_code") or error.get("code"),
        dispute.get("status"),
        *(payment[name] for name in ("stripe_payment_intent_id", "idempotency_key", "split_payment_id", "updated_at")),
    ]


def _payout(payout: Json) -> Iterator[list[Value]]:
    yield [
        *(payout[name] for name in ("id", "created_at", "status", "currency", "amount")),
        format_number(payout["amount"], payout["currency"], grouped=False),
        *(payout[name] for name in ("automatic", "arrival_date", "failure_code", "updated_at")),
    ]


def _entry(entry: Json) -> Iterator[list[Value]]:
    for line in entry["lines"]:
        yield [
            *(entry[name] for name in ("id", "at", "position", "kind", "source_id", "category", "payment_id")),
            line["account"],
            line["currency"],
            line["amount"],
            format_number(line["amount"], line["currency"], grouped=False),
        ]


TABLES: Mapping[str, Table] = {
    "payments": Table(
        path="/payments",
        permission=Permission.EXPORT_PAYMENTS,
        columns={
            "id": "text",
            "created_at": "moment",
            "user_id": "text",
            "status": "text",
            "currency": "text",
            "amount_cents": "integer",
            "amount": "text",
            "amount_captured_cents": "integer",
            "amount_captured": "text",
            "amount_refunded_cents": "integer",
            "amount_refunded": "text",
            "refusal_code": "text",
            "dispute_status": "text",
            "stripe_payment_intent_id": "text",
            "idempotency_key": "text",
            "split_payment_id": "text",
            "updated_at": "moment",
        },
        rows=_payment,
    ),
    "payouts": Table(
        path="/payouts",
        permission=Permission.EXPORT_LEDGER,
        columns={
            "id": "text",
            "created_at": "moment",
            "status": "text",
            "currency": "text",
            "amount_cents": "integer",
            "amount": "text",
            "automatic": "boolean",
            "arrival_date": "text",
            "failure_code": "text",
            "updated_at": "moment",
        },
        rows=_payout,
    ),
    "ledger_entries": Table(
        path="/ledger/entries",
        permission=Permission.EXPORT_LEDGER,
        columns={
            "id": "text",
            "at": "moment",
            "position": "integer",
            "kind": "text",
            "source_id": "text",
            "category": "text",
            "payment_id": "text",
            "account": "text",
            "currency": "text",
            "amount_cents": "integer",
            "amount": "text",
        },
        rows=_entry,
    ),
}
