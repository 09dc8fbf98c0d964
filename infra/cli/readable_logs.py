"""Turns a JSON log line into a line for people, if it is one that they want to see."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.cli.output import format_amount

_LOUD = {"warning": "yellow", "error": "red", "critical": "red"}
_QUIET_FIELDS = frozenset(
    {"timestamp", "level", "event", "service", "logger", "request_id", "correlation_id", "user_id"}
)
_LONGEST_VALUE = 160

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line for people. `at` is Unix time in seconds, 0 when unknown; `style` is a style of rich."""

    at: float
    subject: str
    text: str
    style: str = ""

    @property
    def time(self) -> str:
        """The local time of day."""
        if not self.at:
            return "--:--:--"
        return datetime.fromtimestamp(self.at, tz=UTC).astimezone().strftime("%H:%M:%S")

    @property
    def loud(self) -> bool:
        """Whether it is a warning or an error."""
        return self.style != ""


def log_line(line: str) -> LogLine | None:
    """Return what a log line says; None when it is nothing notable, a library's, or not JSON."""
    if not any(word in line for word in _WORTH_A_LOOK):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or "logger" in fields:
        return None
    event, level = str(fields.get("event", "")), str(fields.get("level", ""))
    describe = _EVENTS.get(event)
    if describe is None and level not in _LOUD:
        return None
    payment = fields.get("payment_id")
    return LogLine(
        at=_unix_time(str(fields.get("timestamp", ""))),
        subject=_printable(f"payment {payment}" if payment else str(fields.get("service", ""))),
        text=_printable(_described(describe, fields) if describe else _anything(event, fields)),
        style=_LOUD.get(level, ""),
    )


def _described(describe: Callable[[Fields], str], fields: Fields) -> str:
    try:
        return describe(fields)
    except (KeyError, TypeError, ValueError):  # a field less than expected must not hide the event
        return _anything(str(fields["event"]), fields)


def _accepted(fields: Fields) -> str:
    return f"accepted: {format_amount(fields['amount_cents'], fields['currency'])} from {fields['user_id']}"


def _refund_accepted(fields: Fields) -> str:
    currency = fields.get("currency")
    amount = (
        format_amount(fields["amount_cents"], currency) if currency else f"{fields['amount_cents']} (smallest unit)"
    )
    return f"refund accepted: {amount}, refund {fields['refund_id']}"


def _call_finished(fields: Fields) -> str:
    named = f" ({fields['stripe_id']})" if fields.get("stripe_id") else ""
    codes = [str(code) for code in (fields.get("code"), fields.get("decline_code")) if code]
    outcome = f"{fields['outcome']} ({', '.join(dict.fromkeys(codes))})" if codes else fields["outcome"]
    return f"Stripe {fields['operation']}: {outcome} in {float(fields['duration_ms']):.0f} ms{named}"


def _call_retry(fields: Fields) -> str:
    return (
        f"Stripe {fields['operation']} failed (try {fields['attempt']}), "
        f"again in {float(fields['delay_ms']) / 1000:.1f} s: {fields['error']}"
    )


def _status_changed(fields: Fields) -> str:
    return f"is now {fields['status']}"


def _refill(_: Fields) -> str:
    return "the broker starts empty: filling it from the event store"


_EVENTS: Mapping[str, Callable[[Fields], str]] = {
    "payment_accepted": _accepted,
    "refund_accepted": _refund_accepted,
    "stripe_call_finished": _call_finished,
    "stripe_call_retry": _call_retry,
    "payment_status_changed": _status_changed,
    "relay_refill_started": _refill,
}
# Looked for before a line is parsed: under load nearly all lines are about something else.
_WORTH_A_LOOK = (*(f'"{name}"' for name in (*_EVENTS, *_LOUD)), "process_failed")


def _anything(event: str, fields: Fields) -> str:
    """Return an event with its own fields, those that say nothing left out."""
    named = dict(fields)
    if "exception" in named:
        error = named["exception"] = _error_named(named["exception"])
        if error == named.get("error"):
            del named["exception"]
    details = [
        f"{name}={_short(value)}"
        for name, value in named.items()
        if name not in _QUIET_FIELDS and name != "payment_id" and value is not None
    ]
    return " ".join([event, *details])


def _short(value: object) -> str:
    text = str(value).strip()
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def _error_named(exception: object) -> object:
    """Return what names the error: of structured tracebacks (the error, then its causes) or of the text of one."""
    match exception:
        case [{"exc_type": kind, "exc_value": value}, *_]:
            return f"{kind}: {value}"
        case str():
            return exception.strip().rpartition("\n")[2]
        case _:
            return exception


def _printable(text: str) -> str:
    """Escape what moves the cursor, starts a line or turns the direction of writing: a user may have sent it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _unix_time(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return 0.0
