"""Codes of the APIs as people say them."""

import re

_PROCESSES = {
    "stripe-gateway": "Stripe gateway",
    "stripe-webhooks": "Stripe, by webhook",
    "sweeper": "Sweeper",
    "sagas": "Sagas",
    "reconciliation": "Reconciliation",
    "stripe-balance": "Stripe balance",
}
_API = "api:"
_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def words(text: str) -> str:
    """Return `requested_by_customer` as `Requested by customer`. What somebody wrote stays as it is."""
    return text.replace("_", " ").capitalize() if _CODE.fullmatch(text) else text


def actor_words(actor: str) -> str:
    """Return who did it: `anna, with the key back-office` for `api:back-office/anna`."""
    if not actor.startswith(_API):
        return _PROCESSES.get(actor, actor)
    key, _, person = actor.removeprefix(_API).partition("/")
    return f"{person}, with the API key {key}" if person else f"API key {key}"
