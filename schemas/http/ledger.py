"""Bodies of the ledger's answers. They are its OpenAPI; a test holds what is written against them."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.ledger import Account, Kind
from schemas.http.queries import Position, Timestamp

AccountFilter = Account
"""What a list of entries can be narrowed to."""

Amount = Annotated[
    int,
    Field(description="In the currency's smallest unit, as Stripe counts it. Debits are above zero, credits below."),
]
Sum = Annotated[int, Field(ge=0, description="In the currency's smallest unit, as Stripe counts it.")]
Currency = Annotated[str, Field(description="ISO 4217 code, upper case.")]
AsOf = Annotated[Timestamp | None, Field(description="Inclusive. Null: all that is known.")]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LedgerBalance(_Answer):
    """What an account stands at in a currency."""

    account: Account
    currency: Currency
    balance: Amount


class LedgerBalances(_Answer):
    """The balance of every account that was used, by currency and account."""

    as_of: AsOf
    data: list[LedgerBalance]


class TrialBalanceAccount(_Answer):
    """An account's two sides."""

    account: Account
    debit: Sum
    credit: Sum
    balance: Amount


class TrialBalanceOfCurrency(_Answer):
    """All accounts in a currency: the totals of both sides are equal."""

    currency: Currency
    accounts: list[TrialBalanceAccount]
    debit: Sum
    credit: Sum


class TrialBalance(_Answer):
    """The accounts of every currency."""

    as_of: AsOf
    data: list[TrialBalanceOfCurrency]


class LedgerLine(_Answer):
    """What an account is debited or credited with."""

    account: Account
    currency: Currency
    amount: Amount


class LedgerEntry(_Answer):
    """One posting. Its lines add up to zero in each currency."""

    id: Annotated[str, Field(description="The same after a rebuild.")]
    kind: Annotated[
        Kind,
        Field(
            description="`movement`: the amount itself; `fee`: Stripe's; `conversion`: Stripe put it on the balance in "
            "another currency; `arrival`: a payout reached the bank, or came back from it."
        ),
    ]
    source_id: Annotated[str, Field(description="Stripe's id of what it is about: ch_, re_, du_, po_, txn_.")]
    category: Annotated[
        str, Field(description="Stripe's reporting category: `charge`, `refund`, `dispute`, `payout`, `fee`, ...")
    ]
    payment_id: Annotated[UUID | None, Field(description="Null: of no payment, or of none that is known.")]
    at: Annotated[Timestamp, Field(description="When it counts: an event's time, or Stripe's of a balance row.")]
    position: Annotated[Position, Field(description="Place in the whole log of the event that it is posted by.")]
    lines: list[LedgerLine]


class LedgerEntryPage(_Answer):
    """Entries, newest first. `next_cursor` is null on the last page."""

    data: list[LedgerEntry]
    has_more: bool
    next_cursor: str | None
