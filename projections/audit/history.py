"""The history of a payment: each event with who made it and why, what it changed, and the money after it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from domain.ids import PaymentId
from domain.payment.state import PaymentState
from event_store.payments import PAYMENT
from event_store.privacy.masking import masked
from infra.errors import InfraError
from infra.postgres.pool import Connection
from projections.errors import ProjectionError
from projections.events import DecodedEvent
from projections.payments.as_of import AsOf, load_events
from projections.payments.mapping import fold
from projections.payments.rows import PaymentRow
from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError
from schemas.http.summaries import summary

_OF_EVERY_EVENT = {"version", "position", "updated_at"}


class HistoryBroken(InfraError):
    """The events cannot be read, or make no sense together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """Where a payment's money is, in the smallest unit of its currency."""

    amount_cents: int
    authorized_cents: int
    capturable_cents: int
    captured_cents: int
    refund_pending_cents: int
    refunded_cents: int
    disputed_cents: int

    @classmethod
    def of(cls, state: PaymentState) -> "Money":
        """Return it for a state."""
        return cls(
            amount_cents=state.amount.amount_cents,
            authorized_cents=state.amount_authorized.amount_cents,
            capturable_cents=state.amount_capturable.amount_cents,
            captured_cents=state.amount_captured.amount_cents,
            refund_pending_cents=state.amount_refund_pending.amount_cents,
            refunded_cents=state.amount_refunded.amount_cents,
            disputed_cents=state.amount_disputed.amount_cents,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A field of the payment, as the API names it, before and after an event. Both are JSON values."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One event of the history. `caused_by` is the position of the event of this payment that led to it, if one did."""

    position: int
    version: int
    type: str
    at: datetime
    event_id: str
    actor: str
    request_id: str | None
    correlation_id: str
    causation_id: str | None
    caused_by: int | None
    data: Mapping[str, Any]
    status: str
    changes: tuple[Change, ...]
    money: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentHistory:
    """All steps up to some place in the log, and the payment there, as the API shows it."""

    payment_id: PaymentId
    merchant_id: str
    currency: str
    steps: tuple[Step, ...]
    payment: Mapping[str, Any]


async def read_history(
    conn: Connection,
    payment_id: PaymentId,
    as_of: AsOf = AsOf(),  # noqa: B008 - frozen
) -> PaymentHistory | None:
    """Return the history of a payment up to there, personal data masked; None when there is no such payment.

    Raises HistoryBroken.
    """
    events = await masked(conn, await load_events(conn, payment_id, as_of))
    if not events or events[0].category != "payment":
        return None
    try:
        return history_of(events)
    except (SchemaError, ProjectionError) as error:
        raise HistoryBroken(str(error)) from error


def history_of(events: Sequence[RecordedEvent]) -> PaymentHistory:
    """Return the history that a payment's events are; there is at least one.

    Raises SchemaError, BrokenHistory or ProjectionError when they cannot be read or make no sense.
    """
    state: PaymentState | None = None
    row: PaymentRow | None = None
    steps: list[Step] = []
    positions = {str(event.event_id): event.position for event in events}
    for event in events:
        decoded, before = DecodedEvent.of(event), row
        state = PAYMENT.evolve(state, decoded.domain_event)
        row = fold([decoded], row)
        assert row is not None
        caused_by = positions.get(event.metadata.causation_id or "")
        steps.append(_step(event, decoded, state, tuple(_changes(before, row)), caused_by))
    assert row is not None
    return PaymentHistory(
        payment_id=row.payment_id,
        merchant_id=row.merchant_id,
        currency=row.currency,
        steps=tuple(steps),
        payment=_json(row),
    )


def _step(
    event: RecordedEvent, decoded: DecodedEvent, state: PaymentState, changes: tuple[Change, ...], caused_by: int | None
) -> Step:
    return Step(
        position=event.position,
        version=event.version,
        type=event.type,
        at=event.recorded_at,
        event_id=str(event.event_id),
        actor=event.metadata.actor,
        request_id=event.metadata.request_id,
        correlation_id=event.metadata.correlation_id,
        causation_id=event.metadata.causation_id,
        caused_by=caused_by,
        data=orjson.loads(orjson.dumps(summary(decoded.domain_event))),
        status=state.status.value,
        changes=changes,
        money=Money.of(state),
    )


def _changes(before: PaymentRow | None, after: PaymentRow) -> Iterable[Change]:
    earlier: Mapping[str, Any] = {} if before is None else _json(before)
    for field, value in _json(after).items():
        if field not in _OF_EVERY_EVENT and earlier.get(field) != value:
            yield Change(field=field, before=earlier.get(field), after=value)


def _json(row: PaymentRow) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(row, option=orjson.OPT_UTC_Z))
    return found
