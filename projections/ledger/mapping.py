"""From events to rows, purely: what `domain.ledger` posts, and when it counts.

A payment's postings count when the event was recorded; those of a balance row, and of a refund that is pending until
then, when Stripe made it; a payout when it arrived at the bank, or was known to have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId, RefundId
from domain.ledger import (
    OWN_CATEGORIES,
    Account,
    Awaits,
    Posting,
    PostingState,
    RefundStage,
    RefundToPost,
    movement_source,
    post_awaited,
    post_conversion,
    post_payment,
    post_payout,
    post_second_row,
    post_transaction,
)
from domain.money import Money, SignedMoney
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded
from projections.errors import check_next
from projections.events import DecodedBalanceEvent, DecodedEvent
from projections.ledger.rows import (
    AwaitedRow,
    ConvertibleRow,
    EntryRow,
    LineRow,
    MovementRow,
    TransactionRow,
    WaitingRow,
)

NAME = "ledger"
_FEE_NUMBER = 0
_CONVERSION_NUMBER, _AMOUNT_NUMBER = 2, 3
"""After the two entries that a balance row can have at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamState:
    """A row of `ledger_streams`: where a stream stands, and what its next event needs (JSON)."""

    version: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Changes:
    """What a batch adds."""

    entries: list[EntryRow] = field(default_factory=list)
    movements: list[MovementRow] = field(default_factory=list)
    transactions: list[TransactionRow] = field(default_factory=list)


def take_payment(
    before: StreamState,
    events: Iterable[DecodedEvent],
    changes: Changes,
    *,
    disputes: Mapping[tuple[BalanceSourceId, str], int],
) -> StreamState:
    """Add what the next events of a payment post; return its state after them. Raises VersionGap or LedgerError.

    `disputes`: how often the amount of each has moved before, in each category.
    """
    version, postings = before.version, replace(_read_refunds(before.state), disputes=disputes)
    for decoded in events:
        recorded = decoded.recorded
        check_next(NAME, recorded, version)
        version = recorded.version
        postings, posted = post_payment(postings, decoded.domain_event)
        if not posted:
            continue
        at_once = [each for each in posted if each.awaits is None]
        changes.entries += _entries(at_once, recorded.position, recorded.recorded_at)
        changes.movements += (
            MovementRow(
                source_id=each.source_id,
                category=each.category,
                currency=each.lines[0].amount.currency,
                amount=each.effect_on(Account.STRIPE_CLEARING, each.lines[0].amount.currency).amount_cents,
                at=recorded.recorded_at,
                payment_id=PaymentId(recorded.stream_id),
                position=recorded.position,
                posted=each.awaits is None,
                due_position=recorded.position if each.awaits is Awaits.DUE else None,
                due_at=recorded.recorded_at if each.awaits is Awaits.DUE else None,
                times=each.times,
            )
            for each in posted
        )
    return StreamState(version=version, state=_write_refunds(postings))


def take_payout(before: StreamState, events: Iterable[DecodedBalanceEvent], changes: Changes) -> StreamState:
    """Add what the next events of a payout post; return its state after them. Raises VersionGap."""
    version, at_bank = before.version, bool(before.state.get("at_bank"))
    for decoded in events:
        recorded, payout = decoded.recorded, decoded.domain_event
        assert isinstance(payout, PayoutChanged)
        check_next(NAME, recorded, version)
        version = recorded.version
        at_bank, posted = post_payout(payout, at_bank=at_bank)
        changes.entries += _entries(posted, recorded.position, _payout_at(payout, recorded.recorded_at))
    return StreamState(version=version, state={"at_bank": at_bank})


def take_transaction(decoded: DecodedBalanceEvent, changes: Changes) -> None:
    """Add what a row of Stripe's balance posts. Raises VersionGap for a second event of its stream."""
    row = decoded.domain_event
    assert isinstance(row, TransactionRecorded)
    check_next(NAME, decoded.recorded, 0)
    at, position = _moment(row.created), decoded.recorded.position
    of_payment = row.reporting_category in OWN_CATEGORIES
    if not of_payment:
        changes.entries += _entries(post_transaction(row), position, at)
    changes.transactions.append(
        TransactionRow(
            source_id=movement_source(row),
            category=row.reporting_category,
            transaction_id=row.transaction_id,
            transaction_position=position,
            transaction_currency=row.currency,
            transaction_amount=row.amount,
            fee=row.fee,
            exchange_rate=row.exchange_rate,
            transaction_at=at,
            posted=not of_payment,
            fee_posted=not of_payment or not row.fee,
        )
    )
    if not of_payment:
        changes.movements.append(
            MovementRow(
                source_id=movement_source(row),
                category=row.reporting_category,
                currency=row.currency,
                amount=row.amount,
                at=at,
                payment_id=None,
                position=position,
            )
        )


def conversion_of(row: ConvertibleRow) -> EntryRow:
    """Return the entry of a conversion: it stands with Stripe's row, whichever of its sides came last."""
    posting = post_conversion(
        source_id=row.source_id,
        category=row.category,
        presented=SignedMoney(amount_cents=row.amount, currency=row.currency),
        on_balance=SignedMoney(amount_cents=row.transaction_amount, currency=row.transaction_currency),
    )
    return _entry(posting, row.transaction_position, _CONVERSION_NUMBER, row.transaction_at)


def fee_of(row: WaitingRow) -> EntryRow:
    """Return the entry of the fee of a payment's row, now that the payment tells of its movement."""
    (posting,) = post_transaction(_as_recorded(row))
    return _entry(posting, row.position, _FEE_NUMBER, row.at)


def second_row_of(row: WaitingRow) -> list[EntryRow]:
    """Return the entry of the amount of a dispute's second row, unless that is nothing."""
    return [_entry(each, row.position, _AMOUNT_NUMBER, row.at) for each in post_second_row(_as_recorded(row))]


def awaited_of(row: AwaitedRow, position: int, at: datetime) -> list[EntryRow]:
    """Return the entry, at a place, of a refund that was pending. The amount is ours."""
    movement = SignedMoney(amount_cents=row.amount, currency=row.currency)
    posted = post_awaited(source_id=row.source_id, category=row.category, movement=movement)
    return [_entry(each, position, _AMOUNT_NUMBER, at) for each in posted]


def first_of_each(rows: Sequence[MovementRow]) -> list[MovementRow]:
    """Return the first movement, by position, of each source and category, in their order.

    One that may never come becomes due by a later one. How often it moved, the last one says.
    """
    first: dict[tuple[str, str], MovementRow] = {}
    for each in sorted(rows, key=lambda row: row.position):
        known = first.setdefault((each.source_id, each.category), each)
        if each.due_position is not None and known.due_position is None:
            known = replace(known, due_position=each.due_position, due_at=each.due_at)
        if each.times > known.times:
            known = replace(known, times=each.times)
        first[each.source_id, each.category] = known
    return [first[key] for key in sorted(first)]


def first_transactions(rows: Sequence[TransactionRow]) -> list[TransactionRow]:
    """Return the first of Stripe's rows, by position, of each source and category, in their order."""
    first = {(each.source_id, each.category): each for each in sorted(rows, key=lambda row: -row.transaction_position)}
    return [first[key] for key in sorted(first)]


def _as_recorded(row: WaitingRow) -> TransactionRecorded:
    """Return Stripe's row again, as far as the postings go by it."""
    created = int(row.at.timestamp())
    return TransactionRecorded(
        transaction_id=BalanceTransactionId(""),
        type=row.category,
        reporting_category=row.category,
        amount=row.amount,
        fee=row.fee,
        net=row.amount - row.fee,
        currency=row.currency,
        source_id=row.source_id,
        exchange_rate=None,
        description=None,
        created=created,
        available_on=created,
    )


def _entries(postings: Sequence[Posting], position: int, at: datetime) -> list[EntryRow]:
    return [_entry(posting, position, number, at) for number, posting in enumerate(postings)]


def _entry(posting: Posting, position: int, number: int, at: datetime) -> EntryRow:
    return EntryRow(
        position=position,
        number=number,
        kind=posting.kind.value,
        source_id=posting.source_id,
        category=posting.category,
        at=at,
        lines=tuple(
            LineRow(account=line.account.value, currency=line.amount.currency, amount=line.amount.amount_cents)
            for line in posting.lines
        ),
    )


def _payout_at(payout: PayoutChanged, recorded_at: datetime) -> datetime:
    """Return when the bank has it, which Stripe knows to the day and ahead, or when it came back, as far as we know."""
    if payout.status is PayoutStatus.PAID:
        return min(_moment(payout.arrival_date), recorded_at)
    return recorded_at


def _moment(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def _read_refunds(state: Mapping[str, Any]) -> PostingState:
    refunds = {
        RefundId(UUID(refund_id)): RefundToPost(
            amount=Money(amount_cents=each["amount"], currency=each["currency"]), stage=_stage_of(each)
        )
        for refund_id, each in state.get("refunds", {}).items()
    }
    return PostingState(refunds=refunds)


def _stage_of(column: Mapping[str, Any]) -> RefundStage:
    """Return the stage; an older release told of none that is pending, and posted what Stripe had."""
    if column.get("pending"):
        return RefundStage.PENDING
    return RefundStage.POSTED if column["posted"] else RefundStage.REQUESTED


def _write_refunds(postings: PostingState) -> dict[str, Any]:
    refunds: dict[str, dict[str, Any]] = {}
    for refund_id, each in postings.refunds.items():
        column: dict[str, Any] = {
            "amount": each.amount.amount_cents,
            "currency": each.amount.currency,
            # Whether a release that knows no stages takes it for posted, so that it does not post it too.
            "posted": each.stage is not RefundStage.REQUESTED,
        }
        if each.stage is RefundStage.PENDING:
            column["pending"] = True  # it is not posted after all, before its money has moved
        refunds[str(refund_id)] = column
    return {"refunds": refunds}
