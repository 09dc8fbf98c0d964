"""Canceling: https://docs.stripe.com/api/payment_intents/cancel. A held amount is released."""

from dataclasses import replace

from infra.stripe_sandbox.charges.expire import released
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.errors import unexpected_state
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import choice, spec
from infra.stripe_sandbox.payment_intents.lookup import named_intent
from infra.stripe_sandbox.payment_intents.model import CANCELED, SUCCEEDED
from infra.stripe_sandbox.payment_intents.render import render

REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def cancel(call: Call) -> Reply:
    """Cancel the intent: nothing changes it afterwards."""
    before = named_intent(call)
    if before.status in {SUCCEEDED, CANCELED}:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {before.status}. Only a PaymentIntent "
            "with one of the following statuses may be canceled: requires_payment_method, requires_capture, "
            "requires_reauthorization, requires_confirmation, requires_action, expired, processing.",
            render(before),
        )
    intent = replace(
        before,
        status=CANCELED,
        amount_capturable=0,
        canceled_at=call.now,
        cancellation_reason=call.params.text("cancellation_reason"),
        next_action=None,
    )
    call.store.update(call.account, intent, before=before)
    if before.latest_charge is not None:
        charge = call.store.get(Charge, call.account, before.latest_charge)
        assert charge is not None
        if charge.held:
            call.store.unschedule(charge.id)
            released(call.world, call.cause, charge)
    call.world.events.emit(call.cause, "payment_intent.canceled", intent)
    return Reply(body=expanded(call, render(intent)))


OPERATION = ApiOperation(
    method="POST",
    path="/v1/payment_intents/{intent}/cancel",
    accepts=spec(choice("cancellation_reason", *REASONS)),
    run=cancel,
)
