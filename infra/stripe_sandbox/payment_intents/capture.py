"""Capturing a hold: https://docs.stripe.com/api/payment_intents/capture.

A partial capture releases the rest; there is no second one.
"""

from dataclasses import replace

from infra.stripe_sandbox.balance.model import ROW_PREFIX
from infra.stripe_sandbox.charges.book import take
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.disputes.open import dispute_charge
from infra.stripe_sandbox.errors import StripeError, unexpected_state
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import METADATA, flag, integer, spec, text, unmodelled
from infra.stripe_sandbox.payment_intents.lookup import named_intent
from infra.stripe_sandbox.payment_intents.model import REQUIRES_CAPTURE, SUCCEEDED, PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.payment_intents.statement import check_statement

_RELEASED = (
    "The remaining amount on this PaymentIntent could not be captured because the remainder of the authorized amount "
    "has been released."
)
_TOO_LARGE = (
    "The payment could not be captured because the requested capture amount is greater than the amount you can "
    "capture for this charge. Contact us via https://support.stripe.com/contact/ for help."
)


def capture(call: Call) -> Reply:
    """Take the held amount or a part of it, and release the rest."""
    before = named_intent(call)
    _check_status(before)
    amount = call.params.integer("amount_to_capture")
    if amount is None:
        amount = before.amount_capturable
    _check_amount(before, amount)
    assert before.latest_charge is not None
    charge = call.store.get(Charge, call.account, before.latest_charge)
    assert charge is not None
    params = call.params
    descriptor = params.text_or("statement_descriptor", before.statement_descriptor)
    suffix = params.text_or("statement_descriptor_suffix", before.statement_descriptor_suffix)
    intent = replace(
        before,
        status=SUCCEEDED,
        amount_capturable=0,
        amount_received=amount,
        metadata=params.metadata().apply(before.metadata),
        statement_descriptor=descriptor,
        statement_descriptor_suffix=suffix,
    )
    captured = replace(
        charge,
        amount_captured=amount,
        balance_transaction=call.world.ids.new(ROW_PREFIX),
        statement_descriptor=descriptor,
        statement_descriptor_suffix=suffix,
    )
    call.store.unschedule(charge.id)
    take(call.world, call.cause, captured)
    call.store.update(call.account, intent, before=before)
    call.store.update(call.account, captured, before=charge)
    call.world.events.emit(call.cause, "charge.captured", captured, before=charge)
    call.world.events.emit(call.cause, "payment_intent.succeeded", intent)
    dispute_charge(call.world, call.cause, captured)
    return Reply(body=expanded(call, render(intent)))


def _check_status(intent: PaymentIntent) -> None:
    if intent.status == SUCCEEDED:
        raise unexpected_state(_RELEASED, render(intent))
    if intent.status != REQUIRES_CAPTURE:
        raise unexpected_state(
            f"This PaymentIntent could not be captured because it has a status of {intent.status}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
            render(intent),
        )


def _check_amount(intent: PaymentIntent, amount: int) -> None:
    members = {"payment_intent": render(intent)}
    if amount < 0:
        raise StripeError("Invalid non-negative integer", param="amount_to_capture", members=members)
    if amount == 0:
        raise StripeError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
            members=members,
        )
    if amount > intent.amount_capturable:
        raise StripeError(_TOO_LARGE, code="amount_too_large", members=members)


OPERATION = ApiOperation(
    method="POST",
    path="/v1/payment_intents/{intent}/capture",
    accepts=spec(
        integer("amount_to_capture"),
        flag("final_capture"),
        text("statement_descriptor", check=check_statement),
        text("statement_descriptor_suffix", check=check_statement),
        METADATA,
        *unmodelled("amount_details", "application_fee_amount", "hooks", "payment_details", "transfer_data"),
    ),
    run=capture,
)
