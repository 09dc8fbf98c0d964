"""Bodies of the ledger's answers. They are its OpenAPI; a test holds what is written against them."""

from typing import Annotated

from pydantic import ConfigDict, Field

from domain.ids import BalanceSourceId, PaymentId
from domain.ledger import Account, EntryKind
from schemas.http.answers import Answer, Json, Position, Timestamp

AccountFilter = Account
"""What a list of entries can be narrowed to."""

Amount = Annotated[
    int,
    Field(description="In the currency's smallest unit, as Stripe counts it. Debits are above zero, credits below."),
]
Sum = Annotated[int, Field(ge=0, description="In the currency's smallest unit, as Stripe counts it.")]
Currency = Annotated[str, Field(description="ISO 4217 code, upper case.")]
AsOf = Annotated[Timestamp | None, Field(description="Inclusive. Null: all that is known.")]


_AS_OF = "2026-11-22T23:59:59.999Z"
_BALANCE: Json = {"account": "stripe_clearing", "currency": "USD", "balance": 1000}
_DEBITED: Json = {"account": "stripe_clearing", "debit": 1000, "credit": 0, "balance": 1000}
_CREDITED: Json = {"account": "customer_receivable", "debit": 0, "credit": 1000, "balance": -1000}
_OF_CURRENCY: Json = {"currency": "USD", "accounts": [_CREDITED, _DEBITED], "debit": 1000, "credit": 1000}
_LINE: Json = {"account": "stripe_clearing", "currency": "USD", "amount": 1000}
_ENTRY: Json = {
    "id": "42-0",
    "kind": "movement",
    "source_id": "ch_3PXample",
    "category": "charge",
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "at": "2026-11-22T19:37:00.123Z",
    "position": 42,
    "lines": [_LINE, {"account": "customer_receivable", "currency": "USD", "amount": -1000}],
}


class LedgerBalance(Answer):
    """What an account stands at in a currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BALANCE]})

    account: Account
    currency: Currency
    balance: Amount


class LedgerBalances(Answer):
    """The balance of every account that was used, by currency and account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"as_of": _AS_OF, "data": [_BALANCE]}]})

    as_of: AsOf
    data: list[LedgerBalance]


class TrialBalanceAccount(Answer):
    """An account's two sides."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DEBITED]})

    account: Account
    debit: Sum
    credit: Sum
    balance: Amount


class TrialBalanceOfCurrency(Answer):
    """All accounts in a currency: the totals of both sides are equal."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OF_CURRENCY]})

    currency: Currency
    accounts: list[TrialBalanceAccount]
    debit: Sum
    credit: Sum


class TrialBalance(Answer):
    """The accounts of every currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"as_of": None, "data": [_OF_CURRENCY]}]})

    as_of: AsOf
    data: list[TrialBalanceOfCurrency]


class LedgerLine(Answer):
    """What an account is debited or credited with."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LINE]})

    account: Account
    currency: Currency
    amount: Amount


class LedgerEntry(Answer):
    """One posting. Its lines add up to zero in each currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    id: Annotated[str, Field(description="The same after a rebuild.")]
    kind: Annotated[
        EntryKind,
        Field(
            description="`movement`: the amount itself; `fee`: Stripe's; `conversion`: Stripe put it on the balance in "
            "another currency; `arrival`: a payout reached the bank, or came back from it."
        ),
    ]
    source_id: Annotated[
        BalanceSourceId, Field(description="Stripe's id of what it is about: ch_, re_, du_, po_, txn_.")
    ]
    category: Annotated[
        str, Field(description="Stripe's reporting category: `charge`, `refund`, `dispute`, `payout`, `fee`, ...")
    ]
    payment_id: Annotated[PaymentId | None, Field(description="Null: of no payment, or of none that is known.")]
    at: Annotated[Timestamp, Field(description="When it counts: an event's time, or Stripe's of a balance row.")]
    position: Annotated[Position, Field(description="Place in the whole log of the event that it is posted by.")]
    lines: list[LedgerLine]


class LedgerEntryPage(Answer):
    """Entries, newest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_ENTRY], "has_more": False, "next_cursor": None}]}
    )

    data: list[LedgerEntry]
    has_more: bool
    next_cursor: str | None
