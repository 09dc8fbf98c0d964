"""What happens when a payment intent is confirmed with a card: the pure part.

https://docs.stripe.com/payments/paymentintents/lifecycle and https://docs.stripe.com/declines. A decline puts the
intent back to `requires_payment_method`, with the failed charge and the reason on it.
"""

from dataclasses import dataclass, replace

from infra.stripe_sandbox.balance.model import ROW_PREFIX
from infra.stripe_sandbox.cards import Decline
from infra.stripe_sandbox.charges.model import Charge, ChargeOutcome
from infra.stripe_sandbox.declines import AUTHENTICATION_NOT_HANDLED, AUTHENTICATION_REQUIRED
from infra.stripe_sandbox.errors import PAYMENT_REQUIRED, doc_url, error_object
from infra.stripe_sandbox.ids import Ids
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import OK, Reply
from infra.stripe_sandbox.payment_intents.model import (
    REQUIRES_ACTION,
    REQUIRES_CAPTURE,
    REQUIRES_PAYMENT_METHOD,
    SUCCEEDED,
    PaymentIntent,
)
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.payment_methods import PaymentMethod
from infra.stripe_sandbox.payment_methods import render as render_method

AUTHORIZATION_SECONDS = 7 * 24 * 3600
"""How long a hold lasts: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method."""

_AUTHENTICATE = frozenset({"any", "challenge"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """How the payer can be reached while confirming."""

    off_session: bool = False
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False
    return_url: str | None = None
    authentication_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """The intent after the attempt, the charge that it made if any, and the decline if it was one."""

    intent: PaymentIntent
    charge: Charge | None = None
    error: JsonObject | None = None
    failed: bool = False
    """Whether the payment failed: declined, or not authenticated."""

    @property
    def reply(self) -> Reply:
        """The answer: the intent, or a 402 with the intent inside."""
        if self.error is None:
            return Reply(status=OK, body=render(self.intent))
        return Reply(status=PAYMENT_REQUIRED, body={"error": {**self.error, "payment_intent": render(self.intent)}})


def attempt(
    intent: PaymentIntent, method: PaymentMethod, terms: Terms, *, ids: Ids, now: int, authenticated: bool = False
) -> Attempt:
    """Return what confirming the intent with this payment method leads to."""
    card = method.card
    required = card.asks_for_authentication(
        off_session=terms.off_session, requested=intent.card_option("request_three_d_secure") in _AUTHENTICATE
    )
    if required and not authenticated:
        if terms.off_session:
            charge = _charge(intent, method, AUTHENTICATION_REQUIRED, ids=ids, now=now)
            return _declined(intent, method, AUTHENTICATION_REQUIRED, charge=charge)
        if terms.error_on_requires_action:
            return _declined(intent, method, AUTHENTICATION_NOT_HANDLED, charge=None)
        return Attempt(intent=_waiting_for_customer(intent, method, terms))
    if card.decline is not None:
        charge = _charge(intent, method, card.decline, ids=ids, now=now)
        return _declined(intent, method, card.decline, charge=charge)
    return _authorized(intent, _charge(intent, method, None, ids=ids, now=now, authenticated=authenticated))


def authentication_failed(intent: PaymentIntent, method: PaymentMethod) -> PaymentIntent:
    """Return the intent after the customer failed to authenticate: no charge was attempted."""
    error = error_object(
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        error_type="invalid_request_error",
        code="payment_intent_authentication_failure",
        members={"payment_method": render_method(method), "payment_method_type": "card"},
    )
    return replace(
        intent, status=REQUIRES_PAYMENT_METHOD, payment_method=None, next_action=None, last_payment_error=error
    )


def _authorized(intent: PaymentIntent, charge: Charge) -> Attempt:
    held = intent.captured_by_hand
    after = replace(
        intent,
        status=REQUIRES_CAPTURE if held else SUCCEEDED,
        payment_method=charge.payment_method,
        latest_charge=charge.id,
        next_action=None,
        amount_capturable=intent.amount if held else 0,
        amount_received=0 if held else intent.amount,
        last_payment_error=None,
    )
    return Attempt(intent=after, charge=charge)


def _declined(intent: PaymentIntent, method: PaymentMethod, decline: Decline, *, charge: Charge | None) -> Attempt:
    shown = render_method(method)
    charge_id = None if charge is None else charge.id
    remembered: JsonObject = {
        "advice_code": decline.advice_code,
        "charge": charge_id,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": doc_url(decline.code),
        "message": decline.message,
        "network_decline_code": decline.network_decline_code,
        "payment_method": shown,
        "payment_method_type": "card",
        "type": "card_error",
    }
    error = error_object(
        decline.message,
        error_type="card_error",
        code=decline.code,
        members={
            "advice_code": decline.advice_code,
            "charge": charge_id,
            "decline_code": decline.decline_code,
            "network_decline_code": decline.network_decline_code,
            "payment_method": shown,
            "payment_method_type": "card",
        },
    )
    after = replace(
        intent,
        status=REQUIRES_PAYMENT_METHOD,
        payment_method=None,
        next_action=None,
        latest_charge=charge_id,
        last_payment_error={name: value for name, value in remembered.items() if value is not None},
    )
    return Attempt(intent=after, charge=charge, error=error, failed=True)


def _waiting_for_customer(intent: PaymentIntent, method: PaymentMethod, terms: Terms) -> PaymentIntent:
    next_action: JsonObject
    if terms.return_url is not None and not terms.use_stripe_sdk:
        next_action = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": terms.return_url, "url": terms.authentication_url},
        }
    else:
        next_action = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": terms.authentication_url},
        }
    return replace(
        intent,
        status=REQUIRES_ACTION,
        payment_method=method.id,
        next_action=next_action,
        last_payment_error=None,  # it is of the confirmation before
    )


def _charge(
    intent: PaymentIntent,
    method: PaymentMethod,
    decline: Decline | None,
    *,
    ids: Ids,
    now: int,
    authenticated: bool = False,
) -> Charge:
    """Return a charge of the whole amount; Stripe copies the intent's metadata onto it."""
    held = decline is None and intent.captured_by_hand
    taken = decline is None and not held
    return Charge(
        id=ids.new("ch"),
        created=now,
        metadata=intent.metadata,
        payment_intent=intent.id,
        payment_method=method.id,
        card_name=method.card_name,
        amount=intent.amount,
        currency=intent.currency,
        status="succeeded" if decline is None else "failed",
        outcome=_outcome(decline),
        amount_captured=intent.amount if taken else 0,
        balance_transaction=ids.new(ROW_PREFIX) if taken and not intent.booked_later else None,
        capture_before=now + AUTHORIZATION_SECONDS if held else None,
        authenticated=authenticated,
        failure_code=None if decline is None else decline.code,
        failure_reason=None if decline is None else decline.decline_code,
        failure_message=None if decline is None else decline.message,
        advice_code=None if decline is None else decline.advice_code,
        network_decline_code=None if decline is None else decline.network_decline_code,
        transfer_group=intent.transfer_group,
        customer=intent.customer,
        description=intent.description,
        receipt_email=intent.receipt_email,
        shipping=intent.shipping,
        statement_descriptor=intent.statement_descriptor,
        statement_descriptor_suffix=intent.statement_descriptor_suffix,
    )


def _outcome(decline: Decline | None) -> ChargeOutcome:
    if decline is None:
        return ChargeOutcome.AUTHORIZED
    return ChargeOutcome.BLOCKED if decline.blocked else ChargeOutcome.DECLINED
