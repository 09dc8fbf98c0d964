"""A payment's events as a person reads them: what, who, why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from back_office.web.money import format_money
from back_office.web.templates import unix_moment
from back_office.web.words import words

Json = dict[str, Any]

_TITLES = {
    "payment.requested": "Requested",
    "payment.intent_created": "At Stripe",
    "payment.confirmation_requested": "Confirmation requested",
    "payment.action_required": "The customer has to confirm",
    "payment.processing": "The bank works on it",
    "payment.authorized": "Authorised: the money is held",
    "payment.capture_requested": "Capture requested",
    "payment.capture_failed": "The capture failed",
    "payment.succeeded": "Paid",
    "payment.attempt_failed": "An attempt failed",
    "payment.failed": "Failed for good",
    "payment.cancel_requested": "Cancellation requested",
    "payment.cancel_failed": "The cancellation failed",
    "payment.canceled": "Canceled",
    "payment.refund_requested": "Refund requested",
    "payment.refund_pending": "Refund at Stripe, not given back yet",
    "payment.refund_succeeded": "Refunded",
    "payment.refund_failed": "The refund failed",
    "payment.refund_found": "A refund made at Stripe was found",
    "payment.dispute_opened": "The payer's bank opened a dispute",
    "payment.dispute_updated": "The dispute changed",
    "payment.dispute_funds_withdrawn": "The dispute took the money",
    "payment.dispute_funds_reinstated": "The dispute gave the money back",
    "payment.dispute_closed": "The dispute is closed",
    "payment.task_outcome_unknown": "Stripe gave no clear answer: it is being looked up",
    "payment.task_retried": "A call to Stripe was tried again",
    "payment.task_given_up": "A call to Stripe was given up",
    "payment.contradicted": "Stripe contradicts what is recorded",
    "payment.contradiction_resolved": "The contradiction is resolved",
    "payment.task_undone": "What Stripe did late was taken back",
}
_BAD = ("failed", "dispute_opened", "withdrawn", "contradicted", "outcome_unknown")
_GOOD = ("payment.succeeded", "refund_succeeded", "reinstated", "contradiction_resolved")
_AMOUNTS = {"amount_cents", "amount_captured_cents"}
_MOMENTS = {"capture_before", "evidence_due_by", "expires_at"}
_LABELS = {
    "amount_cents": "Amount",
    "amount_captured_cents": "Captured",
    "expires_in_seconds": "Tried for at most, seconds",
}
_IDS = ("_id", "idempotency_key", "payment_method", "customer")
_BESIDE = {"reason", "message", "currency", "actor"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One thing that an event says. `is_id`: it is shown in monospace, to be copied."""

    label: str
    text: str
    is_id: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One event."""

    title: str
    tone: str
    type: str
    at: str
    actor: str
    reason: str
    version: int
    position: int
    request_id: str | None
    correlation_id: str
    details: tuple[Detail, ...]


def title_of(event_type: str) -> str:
    """Return what an event is called."""
    return _TITLES.get(event_type, words(event_type.removeprefix("payment.")))


def entry_of(event: Json, currency: str) -> Entry:
    """Return an event for people. `currency` is the payment's: most events leave it unsaid."""
    data = event["data"]
    return Entry(
        title=title_of(event["type"]),
        tone=_tone(event["type"]),
        type=event["type"],
        at=event["at"],
        actor=data.get("actor") or event["actor"],
        reason=words(str(data.get("reason") or data.get("message") or "")),
        version=event["version"],
        position=event["position"],
        request_id=event["request_id"],
        correlation_id=event["correlation_id"],
        details=tuple(_details(data, str(data.get("currency") or currency))),
    )


def _tone(name: str) -> str:
    if name.endswith(_GOOD):
        return "good"
    return "bad" if name.endswith(_BAD) else "quiet"


def _details(data: Json, currency: str) -> Iterator[Detail]:
    for name, value in data.items():
        if name in _BESIDE or value in (None, "", {}):
            continue
        if isinstance(value, dict):
            for key, inner in value.items():
                yield Detail(label=f"{words(name)}: {key}", text=str(inner), is_id=False)
            continue
        text = _text(name, value, currency)
        yield Detail(label=_LABELS.get(name, words(name)), text=text, is_id=name.endswith(_IDS))


def _text(name: str, value: object, currency: str) -> str:
    if name in _AMOUNTS and isinstance(value, int):
        return format_money(value, currency)
    if name in _MOMENTS and isinstance(value, int):
        return unix_moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
