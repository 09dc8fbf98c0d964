"""Stripe's part of a webhook: events as Stripe makes them, and its signature."""

import time
import uuid
from typing import Any

import httpx
import orjson
from pydantic import SecretStr
from stripe import WebhookSignature

from command_api.webhooks.service import WebhookIntake
from event_store.group_commit import Appender
from tests.support.system import System

SECRET, NEW_SECRET = "whsec_one", "whsec_two"

Json = dict[str, Any]


def an_intake(appender: Appender, **changes: Any) -> WebhookIntake:
    """Return an intake with a test key, in the middle of a change of secrets."""
    defaults: Json = {
        "appender": appender,
        "secrets": (SecretStr(SECRET), SecretStr(NEW_SECRET)),
        "livemode": False,
        "tolerance_s": 300,
        "max_bytes": 1024 * 1024,
        "timeout_s": 5.0,
    }
    return WebhookIntake(**defaults | changes)


def a_stripe_event(event_type: str = "payment_intent.succeeded", obj: Json | None = None, **changes: Any) -> Json:
    """Return an event about `obj`. https://docs.stripe.com/api/events/object"""
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": {"id": "pi_1", "object": "payment_intent"} if obj is None else obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": None},
        "type": event_type,
    } | changes


def sign(raw: bytes, secret: str = SECRET, *, age_s: int = 0) -> str:
    """Return the header Stripe-Signature, as the official SDK makes it."""
    header: str = WebhookSignature.generate_signature_header(raw.decode(), secret, int(time.time()) - age_s)
    return header


async def deliver(
    client: httpx.AsyncClient, event: Json | bytes, secret: str = SECRET, **headers: str
) -> httpx.Response:
    """Send an event as Stripe does; `headers` (underscores for hyphens) come instead of its own."""
    raw = event if isinstance(event, bytes) else orjson.dumps(event)
    own = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0"}
    if "Stripe_Signature" not in headers:
        own["Stripe-Signature"] = sign(raw, secret)
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/webhooks/stripe", content=raw, headers=own)


def secret_of(system: System) -> str:
    """Return what the webhooks of a running system are signed with."""
    return system.stack.environment("command-api")["STRIPE_WEBHOOK_SECRET"]
