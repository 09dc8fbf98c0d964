"""Every fault that the sandbox knows of requests and webhooks, at random and deterministic by seed."""

from collections.abc import Iterator
from typing import Any

from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.faults.rules import OF_REQUESTS, OF_WEBHOOKS, Effect

TIMEOUT_MS = 600
"""How long a call may take: STRIPE_TIMEOUT_MS."""
_LONGER_THAN_A_CALL = TIMEOUT_MS + 300
_SLOW = 150
_REQUESTS, _READINGS, _WEBHOOKS = 0.03, 0.02, 0.04
_MS = {
    Effect.LATENCY_BEFORE: _SLOW,
    Effect.LATENCY_AFTER: _LONGER_THAN_A_CALL,
    Effect.TIMEOUT_BEFORE: _LONGER_THAN_A_CALL,
    Effect.TIMEOUT_AFTER: _LONGER_THAN_A_CALL,
    Effect.DELAY: 1500,
    Effect.REORDER: 1500,
}
_READING = (Effect.TIMEOUT_BEFORE, Effect.RESET_AFTER, Effect.ERROR_BEFORE)
_FAILING = (Effect.ERROR_BEFORE, Effect.ERROR_AFTER)


def rules() -> Iterator[dict[str, Any]]:
    """Give a rule for each fault of a change, and for each way in which Stripe speaks of its own failures."""
    for effect in sorted(OF_REQUESTS):
        said: tuple[dict[str, Any], ...] = ({},)
        if effect in _FAILING:
            said = ({"should_retry": True}, {"should_retry": False, "status": 503})
        for each in said:
            yield {"effect": effect, "method": "POST", "probability": _REQUESTS, "ms": _MS.get(effect, 0), **each}
    for effect in _READING:
        yield {"effect": effect, "method": "GET", "probability": _READINGS, "ms": _MS.get(effect, 0)}
    for effect in sorted(OF_WEBHOOKS):
        yield {"effect": effect, "probability": _WEBHOOKS, "ms": _MS.get(effect, 0)}


async def let_loose(admin: SandboxAdmin, seed: int) -> None:
    """Put all of them in force; each draws from a seed of its own."""
    for number, rule in enumerate(rules()):
        await admin.add_fault(**{**rule, "path": "/v1/*"} if "method" in rule else rule, seed=seed + number)
