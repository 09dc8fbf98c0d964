"""What an answer of Stripe, or its absence, means for the call: one table, first match counts.

Whether a call that timed out had its effect cannot be told from here; so it is sent again with the same key, which
repeats the answer of one that had, and makes the effect of one that had not.

Sources: https://docs.stripe.com/error-low-level, https://docs.stripe.com/api/idempotent_requests,
https://docs.stripe.com/rate-limits.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import stripe

from consumers.stripe.translate.ids import id_of
from domain.ids import StripeChargeId
from infra.backoff import Backoff
from infra.stripe.guard.errors import NotSent

JsonObject = dict[str, Any]

RETRIES = Backoff(first_s=0.5, longest_s=60.0)
_ALARM_FLOOR_S = 10.0
_CONFLICT_CAP_S = 1.5
"""Between asking again whether the request that holds the key, or the object, is through: seconds at most.
https://docs.stripe.com/error-low-level#idempotency"""
# Refusals that are about our account, key or code, never about the payment.
_OUR_FAULT_CODES = frozenset(
    {
        "account_invalid",
        "api_key_expired",
        "livemode_mismatch",
        "not_allowed_on_standard_account",
        "parameter_unknown",
        "platform_api_key_expired",
        "secret_key_required",
        "testmode_charges_only",
    }
)
# An object that Stripe gave us cannot be missing: the key belongs to another account.
_OUR_OBJECTS = frozenset({"intent", "payment_intent", "charge"})
_CLIENT_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An error answer of Stripe. `intent` is the payment intent that it shows, if any."""

    status: int | None
    type: str | None
    code: str
    decline_code: str | None
    message: str
    charge_id: StripeChargeId | None
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
    """Nothing is known, or nothing was done: the same again with the same key. `alarm`: a person must act first.

    The next attempt is at least `floor_s` and at most `cap_s` away, however many there were.
    """

    reason: str
    floor_s: float = 0.0
    cap_s: float = RETRIES.longest_s
    alarm: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownOutcome:
    """Stripe stored a failure of its own for the key: asking again gives the same answer, and says nothing."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """Our own fault: the key was used for another request. Never to be mended with a new key."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttled:
    """We did not call, to spare Stripe; worth another try after `wait_s`."""

    wait_s: float
    reason: str


FailedCall = Refused | Retryable | UnknownOutcome | Broken | Throttled
CallOutcome = Succeeded | FailedCall


def _again(fault: Fault) -> FailedCall:
    return Retryable(reason=_say(fault))


def _again_soon(fault: Fault) -> FailedCall:
    return Retryable(reason=_say(fault), cap_s=_CONFLICT_CAP_S)


def _again_with_alarm(fault: Fault) -> FailedCall:
    return Retryable(reason=_say(fault), floor_s=_ALARM_FLOOR_S, alarm=True)


def _unknown(fault: Fault) -> FailedCall:
    return UnknownOutcome(reason=_say(fault))


def _broken(fault: Fault) -> FailedCall:
    return Broken(reason=_say(fault))


def _refused(fault: Fault) -> FailedCall:
    return Refused(fault=fault)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of the table: it applies when each column that is given holds the fault's value."""

    name: str
    then: Callable[[Fault], FailedCall]
    status: Collection[int | None] | None = None
    type: Collection[str | None] | None = None
    code: Collection[str] | None = None
    param: Collection[str | None] | None = None
    should_retry: bool | None = None
    replayed: bool | None = None

    def applies(self, fault: Fault) -> bool:
        """Whether the fault is one of these."""
        return all(
            (
                self.status is None or fault.status in self.status,
                self.type is None or fault.type in self.type,
                self.code is None or fault.code in self.code,
                self.param is None or fault.param in self.param,
                self.should_retry is None or fault.should_retry is self.should_retry,
                self.replayed is None or fault.replayed is self.replayed,
            )
        )


_MISSING, _REQUEST = {"resource_missing"}, {"invalid_request_error"}
TABLE: tuple[Row, ...] = (
    Row(name="no answer", status={None}, then=_again),
    Row(name="key not accepted", status={401, 403}, then=_again_with_alarm),
    Row(name="our account, key or code", code=_OUR_FAULT_CODES, then=_again_with_alarm),
    Row(name="our object is missing", code=_MISSING, param=_OUR_OBJECTS, then=_again_with_alarm),
    # In flight with this key, or the object is locked: before the type, which can be idempotency_error here.
    Row(name="conflict", status={409}, then=_again_soon),
    Row(name="too many, or locked", status={429}, then=_again),
    Row(name="Stripe says: again", should_retry=True, then=_again),
    Row(name="failure stored for the key", status=_SERVER_ERRORS, replayed=True, then=_unknown),
    Row(name="failure, Stripe says: not again", status=_SERVER_ERRORS, should_retry=False, then=_unknown),
    # The API method ran, and its failure is kept: what it did, if anything, is done by now.
    Row(name="failure of the API", status={500}, type={"api_error"}, then=_unknown),
    Row(name="failure of Stripe", status=_SERVER_ERRORS, then=_again),
    Row(name="key of another request", type={"idempotency_error"}, then=_broken),
    Row(name="declined", status=_CLIENT_ERRORS, type={"card_error"}, then=_refused),
    Row(name="the client's object is missing", status={404}, type=_REQUEST, code=_MISSING, then=_refused),
    Row(name="no such address", status={404}, then=_again_with_alarm),
    Row(name="refused", status=_CLIENT_ERRORS, type=_REQUEST, then=_refused),
    Row(name="not an answer from Stripe", then=_again_with_alarm),
)


def row_of(fault: Fault) -> Row:
    """Return the row that an error answer falls into."""
    return next(row for row in TABLE if row.applies(fault))


def classify(fault: Fault) -> FailedCall:
    """Return what an error answer means."""
    return row_of(fault).then(fault)


def classify_error(error: Exception) -> FailedCall:
    """Return what an exception of a call means. One that is not of the network or Stripe is a fault of ours."""
    if isinstance(error, NotSent):
        return Throttled(wait_s=error.wait_s, reason=str(error))
    if isinstance(error, stripe.APIConnectionError | OSError | TimeoutError):
        return Retryable(reason=f"no answer: {type(error).__name__}")
    if isinstance(error, stripe.StripeError):
        return classify(fault_of(error))
    return Retryable(reason=f"{type(error).__name__}: {error}", floor_s=_ALARM_FLOOR_S, alarm=True)


def is_stored(error: stripe.StripeError) -> bool:
    """Whether Stripe had answered so before, be it a failure or a refusal: for this key it answers nothing else."""
    return fault_of(error).replayed


def fault_of(error: stripe.StripeError) -> Fault:
    """Read an error of the SDK."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    found = body.get("error")
    shown: JsonObject = found if isinstance(found, dict) else {}
    charge_id = id_of(shown.get("charge"))
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return Fault(
        status=error.http_status,
        type=shown.get("type"),
        code=shown.get("code") or shown.get("decline_code") or shown.get("type") or "unknown_error",
        decline_code=shown.get("decline_code"),
        message=shown.get("message") or error.user_message or type(error).__name__,
        charge_id=None if charge_id is None else StripeChargeId(charge_id),
        param=shown.get("param"),
        intent=shown.get("payment_intent") if isinstance(shown.get("payment_intent"), dict) else None,
        should_retry=_flag(headers, "stripe-should-retry"),
        replayed=_flag(headers, "idempotent-replayed") is True,
    )


def _flag(headers: Mapping[str, str], name: str) -> bool | None:
    return {"true": True, "false": False}.get(headers.get(name, "").lower())


def _say(fault: Fault) -> str:
    return f"{fault.status} {fault.type or '-'} {fault.code}: {fault.message}"
