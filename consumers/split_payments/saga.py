"""The definition of split payments: its legs are the participants."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from consumers.saga.definition import SagaDefinition
from domain.ids import PaymentId
from domain.payment.events import PaymentEvent
from domain.payment.state import PaymentState
from domain.split_payment.decide import decide
from domain.split_payment.events import SplitPaymentEvent
from domain.split_payment.state import SplitPaymentState
from domain.split_payment.step import SplitPaymentStep, step
from domain.split_payment.waits import waits_for
from event_store.payments import PAYMENT
from event_store.split_payments import SPLIT_PAYMENT


def _step(state: SplitPaymentState, legs: Mapping[UUID, PaymentState | None], now: float) -> SplitPaymentStep:
    return step(state, cast("Mapping[PaymentId, PaymentState | None]", legs), now)


def _legs_of(state: SplitPaymentState) -> Sequence[UUID]:
    return list(state.legs)


SPLIT_PAYMENTS = SagaDefinition[SplitPaymentState, SplitPaymentEvent, PaymentState, PaymentEvent](
    kind="split-payment",
    saga=SPLIT_PAYMENT,
    participant=PAYMENT,
    participants_of=_legs_of,
    step=_step,
    status_of=lambda state: state.saga_status,
    waits_for_of=lambda state: [str(each) for each in waits_for(state)],
    operate=decide,
)
