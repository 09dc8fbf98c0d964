"""Webhooks: what they are signed with, and whether the account sends those that docs/webhooks.md names."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from infra.doctor.finding import Finding
from infra.doctor.stripe.api import FORBIDDEN, OK, UNAUTHORIZED, Answer
from infra.doctor.stripe.key import AREA, is_placeholder
from infra.settings.stripe import StripeWebhookSettings

SECRET, ENDPOINT = "webhook secret", "webhook endpoint"
PATH = "/webhooks/stripe"
ENDPOINTS = "/v1/webhook_endpoints"
MOST_ENDPOINTS = 100

EVENTS = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
)
"""Those of docs/webhooks.md, families written out: Stripe's endpoints list types, or have them all by `*`."""

_NOT_LISTED = {
    UNAUTHORIZED: "Stripe refuses the key",
    FORBIDDEN: "the key may not list webhook endpoints, which payments do not need",
}
_FORM = re.compile(r"whsec_\w{8,}")
_MAKE = (
    "Make one for https://<command API>/webhooks/stripe with the events of docs/webhooks.md: "
    "https://dashboard.stripe.com/webhooks"
)


def secret_finding(settings: StripeWebhookSettings) -> Finding:
    """Rate the secrets by their form; whether they are the endpoint's, only a webhook can tell."""
    secrets = [each.get_secret_value() for each in settings.stripe_webhook_secret]
    remedy = "Copy it from the endpoint's page: https://dashboard.stripe.com/webhooks (Signing secret)."
    bad = [str(number) for number, each in enumerate(secrets, start=1) if _FORM.fullmatch(each) is None]
    if bad:
        which = "" if len(secrets) == 1 else f" (number {', '.join(bad)} of {len(secrets)})"
        detail = f"STRIPE_WEBHOOK_SECRET{which} has not the form whsec_..., so every webhook would be refused"
        return AREA.error(SECRET, detail, remedy)
    if any(map(is_placeholder, secrets)) and settings.stripe_api_base is None:
        detail = "STRIPE_WEBHOOK_SECRET is still what .env.example has in its place"
        return AREA.error(SECRET, detail, remedy)
    return AREA.ok(SECRET, "well-formed" if len(secrets) == 1 else f"{len(secrets)} of them, well-formed")


def endpoint_finding(answer: Answer, *, production: bool) -> Finding:
    """Rate the account's endpoints. None that does is an error in production only: the Stripe CLI forwards, too."""
    listed = answer.body.get("data")
    if answer.status != OK or not isinstance(listed, list):
        return AREA.skipped(
            ENDPOINT, _NOT_LISTED.get(answer.status, f"Stripe answers {answer.status} {answer.message}")
        )
    enabled = [each for each in listed if isinstance(each, dict) and each.get("status") == "enabled"]
    finding = AREA.error if production else AREA.warning
    if not enabled:
        count = f"none of {len(listed)} is enabled" if listed else "the account has none"
        return finding(ENDPOINT, f"{count}: what happens at Stripe is noticed late, disputes never", f"{_MAKE}.")
    best = min(enabled, key=lambda each: (not _is_ours(each), len(_missing(each))))
    name, missing = f"{best.get('id')} ({best.get('url')})", _missing(best)
    if missing:
        remedy = f"Add them to its events, or make another one. {_MAKE}."
        return finding(ENDPOINT, f"{name} does not send {', '.join(missing)}", remedy)
    if not _is_ours(best):
        detail = f"{name} sends all events, but not to a command API: its path is not {PATH}"
        return AREA.warning(ENDPOINT, detail, f"Unless something there hands them on as they are: {_MAKE}.")
    return AREA.ok(ENDPOINT, f"{name} sends all {len(EVENTS)} types, in version {best.get('api_version')}")


def _is_ours(endpoint: Mapping[str, Any]) -> bool:
    return str(endpoint.get("url", "")).partition("?")[0].rstrip("/").endswith(PATH)


def _missing(endpoint: Mapping[str, Any]) -> Sequence[str]:
    sent = [str(each) for each in endpoint.get("enabled_events") or ()]
    return [event for event in EVENTS if not any(fnmatchcase(event, each) for each in sent)]
