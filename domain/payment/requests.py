"""What clients may request of a charge: to open, confirm, capture or cancel it; and failures of those requests.

A request that was recorded before leads to no event, whatever its outcome.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from domain.money import Money, check_chargeable, check_representable
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, RequestPayment
from domain.payment.errors import (
    CaptureExceedsAuthorized,
    InvalidPaymentRequest,
    PaymentNotCancelable,
    PaymentNotCapturable,
    PaymentNotConfirmable,
)
from domain.payment.events import (
    PaymentCancelFailed,
    PaymentCancelRequested,
    PaymentCaptureFailed,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentRequested,
)
from domain.payment.observations import RecordCancelFailed, RecordCaptureFailed
from domain.payment.state import PaymentState
from domain.payment.values import CancellationReason, PaymentStatus

# https://docs.stripe.com/metadata: 50 keys of 40 characters, values of 500. Two keys are left for our own ids,
# by which an object at Stripe is found when its answer was lost: clients may not write those.
MAX_METADATA_KEYS = 50 - 2
RESERVED_METADATA_PREFIX = "paystream_"
MAX_METADATA_KEY_CHARS = 40
MAX_METADATA_VALUE_CHARS = 500
MAX_DESCRIPTION_CHARS = 1000
MAX_USER_ID_CHARS = MAX_METADATA_VALUE_CHARS
"""It is sent to Stripe as a metadata value."""
MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS = 22
MIN_EXPIRES_IN_SECONDS = 60
"""Stripe's search finds an object within this time: https://docs.stripe.com/search#data-freshness."""
MAX_EXPIRES_IN_SECONDS = 24 * 3600
CUSTOMER_PATTERN = r"^cus_[A-Za-z0-9]{1,251}$"
_NOT_ON_STATEMENTS = frozenset("<>\\'\"*")

_CONFIRMABLE = frozenset(
    {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION, PaymentStatus.REQUIRES_ACTION}
)
"""The statuses in which Stripe takes a confirmation: https://docs.stripe.com/api/payment_intents/confirm

In ``requires_action`` it is another attempt, with another payment method; the payer need not act on the first one.
"""

_CANCELABLE = frozenset(
    {
        PaymentStatus.PENDING,
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        PaymentStatus.REQUIRES_CONFIRMATION,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.REQUIRES_CAPTURE,
    }
)
"""https://docs.stripe.com/api/payment_intents/cancel also has ``processing``, "in rare cases": not here.

A pending payment is cancelled as soon as Stripe knows it, or never sent there.
"""

_NOT_CANCELABLE: Mapping[PaymentStatus, str] = MappingProxyType(
    {
        PaymentStatus.PROCESSING: "The payer's bank is at work on the charge. "
        "Wait for its answer: refund the payment if it succeeds",
        PaymentStatus.SUCCEEDED: "The money was captured: it is too late to cancel. Refund the payment instead",
        PaymentStatus.CANCELED: "The payment is canceled already: nothing is left to do",
        PaymentStatus.FAILED: "The payment has failed for good: there is nothing to cancel",
    }
)


def request_payment(command: RequestPayment) -> tuple[PaymentRequested]:
    """Open a payment that does not exist yet."""
    check_chargeable(command.amount)
    _check_texts(command)
    _check_metadata(command.metadata)
    _check_expiry(command.expires_in_seconds)
    if command.confirm and not command.payment_method:
        raise InvalidPaymentRequest("payment_method", "is needed to confirm the payment at once")
    return (
        PaymentRequested(
            payment_id=command.payment_id,
            merchant_id=command.merchant_id,
            user_id=command.user_id,
            amount=command.amount,
            payment_method=command.payment_method,
            confirm=command.confirm,
            capture_method=command.capture_method,
            description=command.description,
            metadata=dict(command.metadata),
            customer=command.customer,
            statement_descriptor_suffix=command.statement_descriptor_suffix,
            idempotency_key=command.idempotency_key,
            expires_in_seconds=command.expires_in_seconds,
            split_payment_id=command.split_payment_id,
        ),
    )


def confirm(state: PaymentState, command: ConfirmPayment) -> tuple[PaymentConfirmationRequested, ...]:
    """Request an attempt to charge.

    One at a time: a second confirmation with the same method is the first one again.
    """
    if state.status not in _CONFIRMABLE:
        raise _not_confirmable(state, "Only a payment that waits for a confirmation can be confirmed")
    if state.confirmation_requested:
        if command.payment_method in {None, state.payment_method}:
            return ()
        raise _not_confirmable(state, "A confirmation with another payment method is on its way")
    if state.cancel_requested:
        raise _not_confirmable(state, "A cancellation is on its way")
    method = command.payment_method
    if state.status is PaymentStatus.REQUIRES_CONFIRMATION:
        method = method or state.payment_method
    elif not method:  # a method that was declined, or needs an action, is tried again only when it is named
        raise _not_confirmable(state, "A payment method is needed")
    _check_expiry(command.expires_in_seconds)
    return (PaymentConfirmationRequested(payment_method=method, expires_in_seconds=command.expires_in_seconds),)


def capture(state: PaymentState, command: CapturePayment) -> tuple[PaymentCaptureRequested, ...]:
    """Request the capture of held money.

    It excludes a cancellation, so that of two that race exactly one is sent to Stripe.
    """
    if command.request_id in state.requests_seen:
        return ()
    if state.status is not PaymentStatus.REQUIRES_CAPTURE:
        raise _not_capturable(state, "Only a payment whose money is held can be captured")
    if state.capture_requested:
        raise _not_capturable(state, "A capture is on its way")
    if state.cancel_requested:
        raise _not_capturable(state, "A cancellation is on its way")
    amount = state.amount_capturable if command.amount is None else command.amount
    _check_capture_amount(state, amount)
    return (PaymentCaptureRequested(request_id=command.request_id, amount=amount, reason=command.reason),)


def cancel(state: PaymentState, command: CancelPayment) -> tuple[PaymentCancelRequested, ...]:
    """Request a cancellation. It excludes a capture."""
    if command.request_id in state.requests_seen:
        return ()
    if state.status not in _CANCELABLE:
        raise _not_cancelable(state, _NOT_CANCELABLE[state.status])
    if state.capture_requested:
        raise _not_cancelable(state, "A capture is on its way")
    if state.cancel_requested:
        raise _not_cancelable(state, "A cancellation is on its way already")
    if command.reason is not None and command.reason not in set(CancellationReason):
        raise InvalidPaymentRequest("reason", f"must be one of {', '.join(CancellationReason)}")
    return (PaymentCancelRequested(request_id=command.request_id, reason=command.reason),)


def record_capture_failed(state: PaymentState, observed: RecordCaptureFailed) -> tuple[PaymentCaptureFailed, ...]:
    """Record it for the open capture, and for no other."""
    if state.capture_requested is None or state.capture_requested.request_id != observed.request_id:
        return ()
    return (PaymentCaptureFailed(request_id=observed.request_id, code=observed.code, message=observed.message),)


def record_cancel_failed(state: PaymentState, observed: RecordCancelFailed) -> tuple[PaymentCancelFailed, ...]:
    """Record it for the open cancellation, and for no other."""
    if state.cancel_requested is None or state.cancel_requested.request_id != observed.request_id:
        return ()
    return (PaymentCancelFailed(request_id=observed.request_id, code=observed.code, message=observed.message),)


def _check_texts(command: RequestPayment) -> None:
    if not command.user_id.strip():
        raise InvalidPaymentRequest("user_id", "must not be empty")
    if len(command.user_id) > MAX_USER_ID_CHARS:
        raise InvalidPaymentRequest("user_id", f"must not exceed {MAX_USER_ID_CHARS} characters")
    if command.description is not None and len(command.description) > MAX_DESCRIPTION_CHARS:
        raise InvalidPaymentRequest("description", f"must not exceed {MAX_DESCRIPTION_CHARS} characters")
    if command.customer is not None and not re.fullmatch(CUSTOMER_PATTERN, command.customer):
        raise InvalidPaymentRequest("customer", "must be the id of a Stripe customer (cus_...)")
    if command.statement_descriptor_suffix is not None:
        _check_statement(command.statement_descriptor_suffix)


def _check_expiry(seconds: int | None) -> None:
    if seconds is not None and not MIN_EXPIRES_IN_SECONDS <= seconds <= MAX_EXPIRES_IN_SECONDS:
        raise InvalidPaymentRequest(
            "expires_in_seconds", f"must be from {MIN_EXPIRES_IN_SECONDS} to {MAX_EXPIRES_IN_SECONDS}"
        )


def _check_statement(suffix: str) -> None:
    """See https://docs.stripe.com/get-started/account/statement-descriptors#requirements."""
    field = "statement_descriptor_suffix"
    if len(suffix) > MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS:
        raise InvalidPaymentRequest(field, f"must not exceed {MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS} characters")
    if not all(_is_latin(character) for character in suffix):
        raise InvalidPaymentRequest(field, "must have Latin characters only")
    if not re.search(r"[A-Za-z]", suffix):
        raise InvalidPaymentRequest(field, "must have a letter")
    if _NOT_ON_STATEMENTS.intersection(suffix) or not suffix.isprintable():
        raise InvalidPaymentRequest(field, "must have none of < > \\ ' \" * and no control characters")


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN ")


def _check_metadata(metadata: Mapping[str, str]) -> None:
    if len(metadata) > MAX_METADATA_KEYS:
        raise InvalidPaymentRequest("metadata", f"must not have more than {MAX_METADATA_KEYS} keys")
    for key, value in metadata.items():
        if not 1 <= len(key) <= MAX_METADATA_KEY_CHARS or "[" in key or "]" in key:
            raise InvalidPaymentRequest(
                "metadata",
                f"keys must have 1 to {MAX_METADATA_KEY_CHARS} characters and no square brackets, not {_named(key)}",
            )
        if key.startswith(RESERVED_METADATA_PREFIX):
            raise InvalidPaymentRequest(
                "metadata", f"keys must not begin with {RESERVED_METADATA_PREFIX}: {_named(key)} does"
            )
        if len(value) > MAX_METADATA_VALUE_CHARS:
            raise InvalidPaymentRequest(
                "metadata",
                f"values must not exceed {MAX_METADATA_VALUE_CHARS} characters: {_named(key)} has {len(value)}",
            )


def _named(key: str) -> str:
    return repr(key if len(key) <= MAX_METADATA_KEY_CHARS else f"{key[:MAX_METADATA_KEY_CHARS]}...")


def _check_capture_amount(state: PaymentState, amount: Money) -> None:
    if amount > state.amount_capturable:
        raise CaptureExceedsAuthorized(
            payment_id=state.payment_id, requested=amount, capturable=state.amount_capturable
        )
    check_representable(amount)


def _not_confirmable(state: PaymentState, reason: str) -> PaymentNotConfirmable:
    return PaymentNotConfirmable(payment_id=state.payment_id, status=state.status, reason=reason)


def _not_capturable(state: PaymentState, reason: str) -> PaymentNotCapturable:
    return PaymentNotCapturable(payment_id=state.payment_id, status=state.status, reason=reason)


def _not_cancelable(state: PaymentState, reason: str) -> PaymentNotCancelable:
    return PaymentNotCancelable(payment_id=state.payment_id, status=state.status, reason=reason)
