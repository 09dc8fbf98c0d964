"""The event catalogue: every event type in prose, made of the registry, its docstrings and its examples.

`docs/events.md` holds what `event_catalogue` returns; a test compares them. It is written by
`python -m schemas.export.catalogue`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.events import EVENT_TYPES, EventType
from schemas.export.events import JsonSchema, event_schemas, schema_path
from schemas.topics import topic_of

FILE = Path(__file__).parents[2] / "docs" / "events.md"

_HEAD = """# Events

Every type of event in the log and in Kafka. This file is written by `make events`: change the docstrings in `domain/`
and `schemas/events/` instead. How to consume events: [consuming-events](consuming-events.md). The JSON Schemas, of
older versions too: `schemas/exported/events/`.

`?` marks a field that may be null or missing. The smallest unit of a currency is as Stripe counts it. `Money` is an
object of `amount_cents` (smallest unit) and `currency` (ISO 4217).
"""

_WRITERS = {
    "payment.requested": "the command API, and the worker `sagas` for a leg of a split payment",
    "payment.confirmation_requested": "the command API",
    "payment.capture_requested": "the command API, and the worker `sagas` for a leg",
    "payment.cancel_requested": "the command API, the sweeper for an abandoned one, and the worker `sagas` for a leg",
    "payment.refund_requested": "the command API, and the worker `sagas` for a leg",
    "payment.task_retried": "an operator's command",
    "payment.task_given_up": "an operator's command",
    "payment.contradiction_resolved": "an operator's command, or the Stripe gateway when Stripe agrees again",
    "payment.personal_data_erased": "an operator's command",
    "split_payment.personal_data_erased": "an operator's command",
    "split_payment.requested": "the command API",
    "split_payment.cancel_requested": "the command API",
    "split_payment.refund_requested": "the command API",
    "split_payment.compensation_retried": "an operator's command",
    "split_payment.given_up": "an operator's command",
    "reconciliation.requested": "the schedule, the command API, or an operator's command",
    "access.staff_signed_in": "the back office, over the command API",
    "access.recovery_codes_made": "the back office, over the command API, or an operator's command",
    "access.recovery_code_used": "the back office, over the command API",
    "access.staff_locked": "an operator, over the command API",
    "access.staff_unlocked": "an operator, over the command API",
    "access.staff_sessions_ended": "an operator, or whose they are, over the command API",
    "discrepancy.assigned": "an operator's command",
    "discrepancy.explained": "an operator's command",
    "discrepancy.resolved": "the reconciliation, or an operator's command",
}
_WRITERS_OF_CATEGORIES = {
    "payment": "the Stripe gateway, from an answer, a webhook or a look-up",
    "stripe-event": "the command API, from a webhook, or the sweeper, from Stripe's list of events",
    "stripe-balance": "the balance poller, or the reconciliation",
    "reconciliation": "the reconciliation",
    "split-payment": "the worker `sagas`, from what became of the legs",
    "privacy": "an operator's command",
    "access": "an operator's command",
    "webhook-endpoint": "the worker `webhooks-out`",
}


_UNITS = {
    **dict.fromkeys(("amount", "fee", "net"), "smallest unit"),
    **dict.fromkeys(
        (
            "created",
            "capture_before",
            "evidence_due_by",
            "available_on",
            "arrival_date",
            "at",
        ),
        "Unix seconds",
    ),
    **dict.fromkeys(("created_at", "expires_at", "retry_at", "stuck_at", "failing_since"), "Unix seconds"),
    "expires_in_seconds": "seconds from when the event was recorded",
    "head": "position in the log",
}


def event_catalogue() -> str:
    """Return the whole page as Markdown."""
    schemas = event_schemas()
    lines = [_HEAD]
    for category in dict.fromkeys(each.category for each in EVENT_TYPES):
        lines.append(f"## {category}\n\nTopic `{topic_of(category)}`.\n")
        for event_type in (each for each in EVENT_TYPES if each.category == category):
            lines += _entry(event_type, schemas[schema_path(event_type, event_type.version)])
    return "\n".join(lines).rstrip() + "\n"


def _entry(event_type: EventType[Any], schema: JsonSchema) -> Iterator[str]:
    about = str(schema.get("description", "")).strip()
    yield f"### `{event_type.name}`\n"
    yield f"{about}\n"
    writer = _WRITERS.get(event_type.name) or _WRITERS_OF_CATEGORIES[event_type.category]
    yield f"Version {event_type.version}. Written by {writer}.\n"
    properties = schema.get("properties", {})
    if not properties:
        yield "It has no fields.\n"
        return
    required = set(schema.get("required", ()))
    yield "| field | type | unit |"
    yield "|---|---|---|"
    for name, field in properties.items():
        kind, optional = _kind(field, schema)
        mark = "" if name in required and not optional else "?"
        unit = _UNITS.get(name, "") if kind == "integer" else ""
        yield f"| `{name}`{mark} | {kind} | {unit} |"
    yield ""


def _kind(field: JsonSchema, schema: JsonSchema) -> tuple[str, bool]:
    """Return the type in words, and whether it may be null."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        target = schema["$defs"][name]
        return (" or ".join(f"`{value}`" for value in target["enum"]) if "enum" in target else name), False
    if "anyOf" in field:
        kinds = [_kind(each, schema)[0] for each in field["anyOf"] if each.get("type") != "null"]
        return " or ".join(kinds), len(kinds) < len(field["anyOf"])
    if field.get("type") == "array":
        inner = field.get("items") or (field.get("prefixItems") or [{}])[0]
        return f"list of {_kind(inner, schema)[0]}", False
    return str(field.get("format") or field.get("type") or "any"), False


if __name__ == "__main__":
    FILE.write_text(event_catalogue(), "utf-8", newline="\n")
    sys.stdout.write(f"Wrote {FILE}\n")
