"""Rows as JSON, written at once: no model is built on the way.

`schemas.http.payment_views` and `schemas.http.timeline` say the same as types.
"""

import orjson

from projections.payment_timeline.read import StoredEntry
from projections.payments.read import StoredPayment
from query_api.responses import Json
from schemas.http.times import timestamp


def payment(stored: StoredPayment) -> Json:
    """Return the members of `PaymentView`."""
    return {
        "id": stored.payment_id,
        "user_id": stored.user_id,
        "amount_cents": stored.amount_cents,
        "currency": stored.currency,
        "status": stored.status,
        "stripe_payment_intent_id": stored.stripe_payment_intent_id,
        "idempotency_key": stored.idempotency_key,
        "created_at": timestamp(stored.created_at),
        "description": stored.description,
        "metadata": orjson.Fragment(stored.metadata),
        "customer": stored.customer,
        "statement_descriptor_suffix": stored.statement_descriptor_suffix,
        "capture_method": stored.capture_method,
        "amount_capturable_cents": stored.amount_capturable_cents,
        "amount_captured_cents": stored.amount_captured_cents,
        "amount_refunded_cents": stored.amount_refunded_cents,
        "capture_before": None if stored.capture_before is None else timestamp(stored.capture_before),
        "refunds": orjson.Fragment(stored.refunds),
        "last_error": _fragment(stored.last_error),
        "next_action": _fragment(stored.next_action),
        "dispute": _fragment(stored.dispute),
        "contradictions": orjson.Fragment(stored.contradictions),
        "split_payment_id": stored.split_payment_id,
        "version": stored.version,
        "updated_at": timestamp(stored.updated_at),
    }


def entry(stored: StoredEntry) -> Json:
    """Return the members of `TimelineEntry`."""
    return {
        "position": stored.position,
        "version": stored.version,
        "type": stored.type,
        "at": timestamp(stored.at),
        "actor": stored.actor,
        "request_id": stored.request_id,
        "correlation_id": stored.correlation_id,
        "data": orjson.Fragment(stored.data),
    }


def _fragment(text: str | None) -> orjson.Fragment | None:
    return None if text is None else orjson.Fragment(text)
