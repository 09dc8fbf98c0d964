"""What a split payment waits for."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import PaymentId
from domain.split_payment.state import RELEASED, LegState, SplitPaymentState
from domain.split_payment.values import LegStatus, SplitPaymentStatus


class WaitsFor(StrEnum):
    """Whose turn it is."""

    CUSTOMER = "customer"
    """To act, or to name another payment method: `POST /payments/{leg}/confirm`."""
    STRIPE = "stripe"
    """An answer, a bank's included; what is unknown is waited for."""
    RETRY = "retry"
    """A cancellation or refund failed, and is tried again at a time."""
    OPERATOR = "operator"
    """Stripe contradicts the log: somebody has to say which is right."""


_OF_CUSTOMERS = frozenset(
    {LegStatus.REQUIRES_PAYMENT_METHOD, LegStatus.REQUIRES_CONFIRMATION, LegStatus.REQUIRES_ACTION}
)
_SECURED = frozenset({LegStatus.AUTHORIZED, LegStatus.CAPTURED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """A leg is waited for, and whose turn it is. ``until`` is in Unix seconds: the next retry; None otherwise."""

    payment_id: PaymentId
    waits_for: WaitsFor
    until: int | None = None

    def __str__(self) -> str:
        until = "" if self.until is None else f" at {self.until}"
        return f"leg {self.payment_id}: {self.waits_for.value}{until}"


def waits_for(state: SplitPaymentState) -> tuple[Wait, ...]:
    """Return the legs that are waited for; none once it has ended."""
    if state.status in {SplitPaymentStatus.COMPLETED, SplitPaymentStatus.COMPENSATED, SplitPaymentStatus.GIVEN_UP}:
        return ()
    waits = (_wait(state, leg) for leg in state.legs.values())
    return tuple(wait for wait in waits if wait is not None)


def _wait(state: SplitPaymentState, leg: LegState) -> Wait | None:
    if leg.status is LegStatus.CONTRADICTED:
        return Wait(payment_id=leg.payment_id, waits_for=WaitsFor.OPERATOR)
    if state.is_taken_back:
        if leg.status in RELEASED:
            return None
        if leg.failures and not leg.failed_as_disputed:
            return Wait(payment_id=leg.payment_id, waits_for=WaitsFor.RETRY, until=leg.retry_at)
        return Wait(payment_id=leg.payment_id, waits_for=WaitsFor.STRIPE)
    if state.status is SplitPaymentStatus.CAPTURING:
        is_there = leg.status is LegStatus.CAPTURED
    else:
        is_there = leg.status in _SECURED
    if is_there or leg.status in RELEASED:
        return None
    is_customers = leg.status in _OF_CUSTOMERS
    return Wait(payment_id=leg.payment_id, waits_for=WaitsFor.CUSTOMER if is_customers else WaitsFor.STRIPE)
