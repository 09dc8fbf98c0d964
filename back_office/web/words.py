"""Codes of the APIs as people say them."""

_PROCESSES = {
    "stripe-gateway": "Stripe gateway",
    "stripe-webhooks": "Stripe, by webhook",
    "sweeper": "Sweeper",
    "sagas": "Sagas",
    "reconciliation": "Reconciliation",
    "stripe-balance": "Stripe balance",
}
_API = "api:"


def words(code: str) -> str:
    """Return `requested_by_customer` as `Requested by customer`."""
    said = code.replace("_", " ").replace(".", ": ").strip()
    return said[:1].upper() + said[1:]


def actor_words(actor: str) -> str:
    """Return who did it: `anna, with the key back-office` for `api:back-office/anna`."""
    if not actor.startswith(_API):
        return _PROCESSES.get(actor, actor)
    key, _, person = actor.removeprefix(_API).partition("/")
    return f"{person}, with the API key {key}" if person else f"API key {key}"
