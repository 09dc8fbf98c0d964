"""What a receiver must not believe: events that a fault makes untrue, and how they are signed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from infra.stripe_sandbox.faults.rules import Effect
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.webhooks.signature import HEADER, signature_header

WRONG_SECRET = "whsec_of_somebody_else"  # noqa: S105 - it is meant to be wrong
OTHER_ACCOUNT = "acct_0000000000000000"
TOO_OLD_S = 3600
TAMPERED_AMOUNT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What is sent to an endpoint."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """An endpoint's secrets and the real time."""

    secrets: tuple[str, ...]
    timestamp: int

    def message(self, event: JsonObject) -> Message:
        """Return the event with its signature."""
        body = orjson.dumps(event)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self.secrets:
            headers[HEADER] = signature_header(body, self.secrets, timestamp=self.timestamp)
        return Message(body=body, headers=headers)


def falsified(event: dict[str, Any], signer: Signer, effect: Effect, *, new_id: str) -> Message:
    """Return what is sent in the event's place.

    What carries a good signature has an id of its own: under the true event's id a receiver that
    remembers ids would take it for that event.
    """
    if effect is Effect.TAMPER:
        altered = _with_object(event, amount=TAMPERED_AMOUNT)
        return Message(body=orjson.dumps(altered), headers=signer.message(event).headers)
    if effect in _SIGNED_WRONG:
        return _SIGNED_WRONG[effect](signer).message(event)
    return signer.message({**_UNTRUE[effect](event, new_id), "id": new_id})


_SIGNED_WRONG: Mapping[Effect, Callable[[Signer], Signer]] = {
    Effect.FORGE: lambda signer: replace(signer, secrets=(WRONG_SECRET,)),
    Effect.UNSIGN: lambda signer: replace(signer, secrets=()),
    Effect.AGE: lambda signer: replace(signer, timestamp=signer.timestamp - TOO_OLD_S),
}
_UNTRUE: Mapping[Effect, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    Effect.OTHER_ACCOUNT: lambda event, _: {**event, "account": OTHER_ACCOUNT},
    Effect.OTHER_MODE: lambda event, _: {**_with_object(event, livemode=True), "livemode": True},
    Effect.UNKNOWN_OBJECT: lambda event, new_id: _with_object(event, **_unknown(event, new_id)),
}


def _with_object(event: dict[str, Any], **members: object) -> dict[str, Any]:
    return {**event, "data": {**event["data"], "object": {**event["data"]["object"], **members}}}


def _unknown(event: dict[str, Any], new_id: str) -> dict[str, object]:
    """Return unknown ids, for the object and what it belongs to, and no metadata."""
    suffix = new_id.partition("_")[2]
    shown = event["data"]["object"]
    ids = {
        name: f"{shown[name].partition('_')[0]}_{suffix}"
        for name in ("id", "charge", "payment_intent")
        if isinstance(shown.get(name), str)
    }
    return {**ids, "metadata": {}}
