"""Plays a script and says what each step answered."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from operator import attrgetter
from typing import Any

import orjson
import stripe

from infra.stripe_sandbox.differential.mask import Masks
from infra.stripe_sandbox.differential.steps import Script, Step, UnansweredError, resolved

WAIT_S = 60.0
PAUSE_S = 0.2


async def lines(client: stripe.StripeClient, name: str, script: Script) -> AsyncIterator[str]:
    """Yield a JSON line for each step: its object, or its error, masked; or why it could not be called."""
    answers: dict[str, Any] = {}
    run = uuid.uuid4().hex
    masks = Masks(run)
    for step in script:
        result = await _played(client, step, answers, run)
        if "object" in result:
            answers[step.name] = result["object"]
            result = {**result, "object": _chosen(result["object"], step.only)}
        line = {"script": name, "step": step.name, "call": step.call, **masks.masked(result)}
        yield orjson.dumps(line).decode()


async def _played(client: stripe.StripeClient, step: Step, answers: Mapping[str, Any], run: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while True:
        result = await _called(client, step, answers, run)
        if step.until is None:
            return result
        member, expected = step.until
        if result.get("object", {}).get(member) == expected or time.monotonic() > deadline:
            return result
        await asyncio.sleep(PAUSE_S)


async def _called(client: stripe.StripeClient, step: Step, answers: Mapping[str, Any], run: str) -> dict[str, Any]:
    function = attrgetter(f"{step.call}_async")(client.v1)
    options: dict[str, Any] = {} if step.key is None else {"idempotency_key": f"{run}-{step.key}"}
    try:
        answer = await function(
            *(resolved(part, answers) for part in step.path), resolved(dict(step.params), answers), options
        )
    except UnansweredError as error:
        return {"not_called": str(error)}
    except stripe.StripeError as error:
        return _failure(error)
    replayed = (answer.last_response.headers or {}).get("idempotent-replayed") if answer.last_response else None
    shown = {"status": 200, "object": answer.to_dict()}
    return shown if replayed is None else {**shown, "replayed": True}


def _failure(error: stripe.StripeError) -> dict[str, Any]:
    headers = error.headers or {}
    body = error.json_body["error"] if isinstance(error.json_body, dict) else {"message": str(error)}
    result = {
        "status": error.http_status,
        "error": body,
        "should_retry": headers.get("stripe-should-retry", headers.get("Stripe-Should-Retry")),
    }
    replayed = headers.get("idempotent-replayed", headers.get("Idempotent-Replayed"))
    return result if replayed is None else {**result, "replayed": True}


def _chosen(shown: Any, members: tuple[str, ...]) -> Any:
    """Return an object, or of each object in a list only some members."""
    if not members or not isinstance(shown, dict):
        return shown
    if shown.get("object") != "list":
        return {name: shown.get(name) for name in members}
    return {
        "object": "list",
        "url": shown["url"],
        "data": [{name: each.get(name) for name in members} for each in shown["data"]],
    }
