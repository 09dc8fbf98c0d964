"""Refunding: https://docs.stripe.com/api/refunds/create."""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_refund
from infra.stripe_sandbox.cards import RefundCourse
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.currencies import formatted
from infra.stripe_sandbox.errors import StripeError, invalid_parameter, resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import METADATA, choice, integer, spec, text, unmodelled
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.refunds.model import FAILED, PENDING, REQUIRES_ACTION, SUCCEEDED, Refund
from infra.stripe_sandbox.refunds.render import render

REASONS = ("duplicate", "fraudulent", "requested_by_customer")

_COURSES = {
    RefundCourse.SUCCEEDS: (SUCCEEDED, None),
    RefundCourse.PENDING_THEN_SUCCEEDS: (PENDING, SUCCEEDED),
    RefundCourse.SUCCEEDS_THEN_FAILS: (SUCCEEDED, FAILED),
    RefundCourse.PENDING_THEN_FAILS: (PENDING, FAILED),
    RefundCourse.REQUIRES_ACTION: (REQUIRES_ACTION, None),
}


def create(call: Call) -> Reply:
    """Give back an amount, or all that is left, of a captured charge."""
    params = call.params
    charge = _charge(call)
    amount = params.integer("amount")
    if amount is not None and amount < 1:
        raise invalid_parameter(
            "This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer"
        )
    refunded = charge.amount_refundable if amount is None else amount
    _check(charge, refunded)
    status, settles_to = _COURSES[charge.card.refunds]
    refund = Refund(
        id=call.world.ids.new("re"),
        created=call.now,
        metadata=params.metadata().apply({}),
        charge=charge.id,
        payment_intent=charge.payment_intent,
        payment_method=charge.payment_method,
        amount=refunded,
        currency=charge.currency,
        status=status,
        reason=params.text("reason"),
        settles_to=settles_to,
    )
    if status != REQUIRES_ACTION:
        refund = replace(refund, balance_transaction=_post(call, charge, refund))
    refunded_charge = replace(charge, amount_refunded=charge.amount_refunded + refunded)
    call.store.insert(call.account, refund)
    call.store.update(call.account, refunded_charge, before=charge)
    call.world.events.emit(call.cause, "refund.created", refund)
    call.world.events.emit(call.cause, "charge.refunded", refunded_charge, before=charge)
    if settles_to is not None:
        call.world.move_later(refund.id)
    return Reply(body=expanded(call, render(refund)))


def _post(call: Call, charge: Charge, refund: Refund) -> str:
    """Take the amount off the balance: from what is still to come, while the charge's money is."""
    ledger = call.world.ledger
    paid = None if charge.balance_transaction is None else ledger.get(call.account, charge.balance_transaction)
    available_on = call.now if paid is None else paid.available_on
    return ledger.post(call.account, of_refund(refund, available_on=available_on))


def _charge(call: Call) -> Charge:
    """Return the charge to refund. Raises StripeError when none is named, found, or captured."""
    charge_id, intent_id = call.params.text("charge"), call.params.text("payment_intent")
    if charge_id is None and intent_id is None:
        raise invalid_parameter(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if intent_id is not None:
        intent = call.store.get(PaymentIntent, call.account, intent_id)
        if intent is None:
            raise resource_missing("payment_intent", intent_id, param="payment_intent")
        if charge_id is not None and charge_id != intent.latest_charge:
            raise StripeError(f"Charge {charge_id} does not belong to PaymentIntent {intent_id}.", param="charge")
        charge_id = intent.latest_charge
        if charge_id is None:
            raise _nothing_to_refund(intent_id)
    assert charge_id is not None
    charge = call.store.get(Charge, call.account, charge_id)
    if charge is None:
        raise resource_missing("charge", charge_id, param="id")
    return charge


def _check(charge: Charge, amount: int) -> None:
    if not charge.succeeded or charge.canceled:
        raise _nothing_to_refund(charge.payment_intent)
    if not charge.captured:
        raise StripeError(
            f"This uncaptured Charge was created by a PaymentIntent ({charge.payment_intent}). You must cancel the "
            "PaymentIntent to reverse the authorization instead of refunding the Charge directly. For more "
            "information, see https://stripe.com/docs/payments/place-a-hold-on-a-payment-method"
        )
    if charge.charged_back:
        raise StripeError(f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    if charge.amount_refundable <= 0:
        raise StripeError(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    if amount > charge.amount_refundable:
        raise StripeError(
            f"Refund amount ({formatted(amount, charge.currency)}) is greater than unrefunded amount on charge "
            f"({formatted(charge.amount_refundable, charge.currency)})",
            param="amount",
        )


def _nothing_to_refund(intent_id: str) -> StripeError:
    return StripeError(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")


OPERATION = ApiOperation(
    method="POST",
    path="/v1/refunds",
    accepts=spec(
        integer("amount"),
        text("charge"),
        text("payment_intent"),
        choice("reason", *REASONS),
        METADATA,
        *unmodelled(
            "currency", "customer", "instructions_email", "origin", "refund_application_fee", "reverse_transfer"
        ),
    ),
    run=create,
)
