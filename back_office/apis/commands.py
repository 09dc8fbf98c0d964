"""Sends commands to the command API in the name of somebody of the staff, each once."""

import asyncio
import re
from dataclasses import dataclass
from uuid import uuid4

from back_office.apis.client import Api, ApiAnswer
from back_office.apis.errors import ApiRefused, Json

IN_USE = "idempotency_key_in_use"
_TRIES = 5
_PAUSE_S = 0.4
_KEY_PREFIX = "back-office-"
_KEY = re.compile(rf"{_KEY_PREFIX}[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")


def new_key() -> str:
    """Return a key for a form: sent twice, it is one command."""
    return f"{_KEY_PREFIX}{uuid4()}"


def is_key(text: str) -> bool:
    """Whether it may be the key of a form."""
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What somebody wants done to a payment."""

    payment_id: str
    action: str
    body: Json
    key: str
    actor: str
    correlation_id: str


async def send(api: Api, order: Order) -> ApiAnswer:
    """Send it. While the same form is being carried out for the first click, the second waits for its answer.

    Raises ApiAway and ApiRefused.
    """
    headers = {
        "Idempotency-Key": order.key,
        "Paystream-Actor": order.actor,
        "X-Correlation-ID": order.correlation_id,
    }
    for _ in range(_TRIES - 1):
        try:
            return await api.post(f"/payments/{order.payment_id}/{order.action}", order.body, headers)
        except ApiRefused as refused:
            if refused.code != IN_USE:
                raise
            await asyncio.sleep(min(refused.retry_after_s or _PAUSE_S, _PAUSE_S))
    return await api.post(f"/payments/{order.payment_id}/{order.action}", order.body, headers)
