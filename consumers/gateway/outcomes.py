"""What an answer of Stripe, or its absence, means for the call: one table, first match counts.

Sources: https://docs.stripe.com/error-low-level, https://docs.stripe.com/api/idempotent_requests,
https://docs.stripe.com/rate-limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import stripe

JsonObject = dict[str, Any]

_ALARM_FLOOR_S = 10.0
# Refusals that are about our account or key, never about the payment.
_OUR_FAULT_CODES = frozenset(
    {
        "account_invalid",
        "api_key_expired",
        "livemode_mismatch",
        "not_allowed_on_standard_account",
        "platform_api_key_expired",
        "secret_key_required",
        "testmode_charges_only",
    }
)
# An object that Stripe gave us cannot be missing: the key belongs to another account.
_OUR_OBJECTS = frozenset({"intent", "payment_intent", "charge"})
_CONFLICT, _TOO_MANY, _SERVER_ERRORS = 409, 429, 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An error answer of Stripe. `intent` is the payment intent that it shows, if any."""

    status: int | None
    type: str | None
    code: str
    decline_code: str | None
    message: str
    charge_id: str | None
    param: str | None
    intent: JsonObject | None
    should_retry: bool | None
    replayed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Succeeded:
    """Stripe did it, now or at an earlier attempt with this key; `answer` is the object."""

    answer: JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Stripe will not do it: the card was declined, or the request does not fit the object."""

    fault: Fault

    @property
    def is_decline(self) -> bool:
        """Whether the card said no, rather than Stripe."""
        return self.fault.type == "card_error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Retryable:
    """Nothing is known, or nothing was done: the same again with the same key. `alarm`: a person must act first."""

    reason: str
    floor_s: float = 0.0
    alarm: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """Stripe stored a failure of its own for the key: asking again gives the same answer, and says nothing."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """Our own fault: the key was used for another request. Never to be mended with a new key."""

    reason: str


Outcome = Succeeded | Refused | Retryable | Unknown | Broken
_Rule = tuple[Callable[[Fault], bool], Callable[[Fault], Outcome]]


def _is_server_error(fault: Fault) -> bool:
    return fault.status is not None and fault.status >= _SERVER_ERRORS


def _is_ours_to_mend(fault: Fault) -> bool:
    missing = fault.code == "resource_missing" and fault.param in _OUR_OBJECTS
    return fault.status in {401, 403} or fault.code in _OUR_FAULT_CODES or missing


_RULES: tuple[_Rule, ...] = (
    (lambda fault: fault.status is None, lambda fault: Retryable(reason=fault.message)),
    (_is_ours_to_mend, lambda fault: Retryable(reason=_say(fault), floor_s=_ALARM_FLOOR_S, alarm=True)),
    # In flight with this key, or the object is locked: before the type, which can be idempotency_error here.
    (lambda fault: fault.status in {_CONFLICT, _TOO_MANY}, lambda fault: Retryable(reason=_say(fault))),
    (lambda fault: fault.should_retry is True, lambda fault: Retryable(reason=_say(fault))),
    (
        lambda fault: _is_server_error(fault) and (fault.replayed or fault.should_retry is False),
        lambda fault: Unknown(reason=_say(fault)),
    ),
    (_is_server_error, lambda fault: Retryable(reason=_say(fault))),
    (lambda fault: fault.type == "idempotency_error", lambda fault: Broken(reason=_say(fault))),
    (
        lambda fault: fault.type in {"card_error", "invalid_request_error"},
        lambda fault: Refused(fault=fault),
    ),
    # Something between us and Stripe answered.
    (lambda _: True, lambda fault: Retryable(reason=_say(fault), floor_s=_ALARM_FLOOR_S, alarm=True)),
)


def classify(fault: Fault) -> Outcome:
    """Return what an error answer means."""
    return next(outcome(fault) for applies, outcome in _RULES if applies(fault))


def classify_error(error: Exception) -> Outcome:
    """Return what an exception of a call means. One that is not of the network or Stripe is a fault of ours."""
    if isinstance(error, stripe.APIConnectionError | OSError | TimeoutError):
        return Retryable(reason=f"no answer: {type(error).__name__}")
    if isinstance(error, stripe.StripeError):
        return classify(fault_of(error))
    return Retryable(reason=f"{type(error).__name__}: {error}", floor_s=_ALARM_FLOOR_S, alarm=True)


def fault_of(error: stripe.StripeError) -> Fault:
    """Read an error of the SDK."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    found = body.get("error")
    shown: JsonObject = found if isinstance(found, dict) else {}
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return Fault(
        status=error.http_status,
        type=shown.get("type"),
        code=shown.get("code") or shown.get("decline_code") or shown.get("type") or "unknown_error",
        decline_code=shown.get("decline_code"),
        message=shown.get("message") or error.user_message or type(error).__name__,
        charge_id=_id_of(shown.get("charge")),
        param=shown.get("param"),
        intent=shown.get("payment_intent") if isinstance(shown.get("payment_intent"), dict) else None,
        should_retry=_flag(headers, "stripe-should-retry"),
        replayed=_flag(headers, "idempotent-replayed") is True,
    )


def _flag(headers: Mapping[str, str], name: str) -> bool | None:
    return {"true": True, "false": False}.get(headers.get(name, "").lower())


def _id_of(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def _say(fault: Fault) -> str:
    return f"{fault.status} {fault.type or '-'} {fault.code}: {fault.message}"
