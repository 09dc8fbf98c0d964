"""A small saga: goods are exchanged, so the old payment is refunded once the new one has succeeded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from consumers.saga.definition import SagaDefinition
from domain.ids import MerchantId, PaymentId, RefundId
from domain.payment.commands import RequestRefund
from domain.payment.decide import decide as decide_payment
from domain.payment.events import PaymentEvent
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus, RefundStatus
from domain.saga.commands import GiveUpSaga, OperatorCommand
from domain.saga.status import SagaStatus
from domain.saga.step import Step
from event_store.payments import PAYMENT
from event_store.streams import Aggregate
from schemas.events import Codec, EventType


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeRequested:
    """Refund ``old`` when ``new`` has succeeded."""

    exchange_id: UUID
    merchant_id: MerchantId
    old: PaymentId
    new: PaymentId


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeEnded:
    """It came to an end."""

    status: SagaStatus


ExchangeEvent = ExchangeRequested | ExchangeEnded


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """An exchange, folded from its events."""

    old: PaymentId
    new: PaymentId
    refund_id: RefundId
    status: SagaStatus


def evolve(state: Exchange | None, event: ExchangeEvent) -> Exchange:
    """Return the state after one more event."""
    if isinstance(event, ExchangeRequested):
        refund_id = RefundId(uuid5(event.exchange_id, "refund"))  # always the same: it is never refunded twice
        return Exchange(old=event.old, new=event.new, refund_id=refund_id, status=SagaStatus.RUNNING)
    assert state is not None
    return replace(state, status=event.status)


def step(
    state: Exchange, payments: Mapping[UUID, PaymentState | None], now: float
) -> Step[ExchangeEvent, PaymentEvent]:
    """Look at both payments, and do what is next. Made again, it adds nothing."""
    old, new = payments[state.old], payments[state.new]
    if state.status is not SagaStatus.RUNNING or old is None or new is None:
        return Step()
    if new.status in {PaymentStatus.CANCELED, PaymentStatus.FAILED}:
        return Step(events=(ExchangeEnded(status=SagaStatus.COMPENSATED),))  # nothing was done: nothing to take back
    if new.status is not PaymentStatus.SUCCEEDED:
        return Step(due_at=None)  # its next event will wake us
    refund = old.refunds.get(state.refund_id)
    if refund is None:
        events = decide_payment(old, RequestRefund(refund_id=state.refund_id))
        return Step(participants={state.old: tuple(events)})
    if refund.status is RefundStatus.SUCCEEDED:
        return Step(events=(ExchangeEnded(status=SagaStatus.COMPLETED),))
    return Step(due_at=None if refund.status is RefundStatus.PENDING else now + 3600)


def participants_of(state: Exchange) -> Sequence[UUID]:
    """Both payments: what happens to them wakes the saga."""
    return [state.old, state.new]


def waits_for(state: Exchange) -> Sequence[str]:
    """For `paystream sagas show`."""
    return [f"payment {state.new}, then the refund of {state.old}"]


def operate(_: Exchange, command: OperatorCommand) -> Sequence[ExchangeEvent]:
    """Let an operator end it; to retry, there is nothing to record."""
    return [ExchangeEnded(status=SagaStatus.GIVEN_UP)] if isinstance(command, GiveUpSaga) else []


CODEC = Codec[ExchangeEvent](
    (
        EventType(name="exchange.requested", model=ExchangeRequested),
        EventType(name="exchange.ended", model=ExchangeEnded),
    )
)
EXCHANGES = SagaDefinition[Exchange, ExchangeEvent, PaymentState, PaymentEvent](
    kind="exchange",
    saga=Aggregate(codec=CODEC, evolve=evolve),
    participant=PAYMENT,
    participants_of=participants_of,
    step=step,
    status_of=lambda state: state.status,
    waits_for_of=waits_for,
    operate=operate,
)
