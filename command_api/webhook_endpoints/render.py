"""Rows as JSON. `schemas.http.webhook_endpoints` says the same as types."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from infra.webhooks_out.deliveries import Attempt, Delivery
from infra.webhooks_out.endpoints import Endpoint
from schemas.http.times import timestamp

Json = dict[str, Any]


def endpoint(row: Endpoint) -> Json:
    """Return the members of `WebhookEndpointView`."""
    return {
        "id": row.endpoint_id,
        "url": row.url,
        "event_types": list(row.event_types),
        "description": row.description,
        "enabled": row.enabled,
        "disabled_because": row.disabled_because,
        "failing_since": _moment(row.failing_since),
        "previous_secret_until": _moment(next(iter(row.previous_secrets_until), None)),
        "previous_secrets": [{"signs_until": timestamp(each)} for each in row.previous_secrets_until],
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def delivery(row: Delivery, attempts: Sequence[Attempt]) -> Json:
    """Return the members of `WebhookDeliveryView`."""
    return {
        "id": row.delivery_id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "payment_id": row.payment_id,
        "position": row.position,
        "status": row.status,
        "attempts": [_attempt(each) for each in attempts],
        "next_attempt_at": _moment(row.next_attempt_at),
        "created_at": timestamp(row.created_at),
        "finished_at": _moment(row.finished_at),
    }


def _attempt(row: Attempt) -> Json:
    return {
        "at": timestamp(row.at),
        "duration_ms": row.duration_ms,
        "status": row.status,
        "error": row.error,
        "answer": row.answer,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
