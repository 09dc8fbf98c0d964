"""Asks Stripe, through the client that the gateway calls it with, and keeps the headers of the answer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import stripe

from infra.stripe.calls import request

UNAUTHORIZED, FORBIDDEN = 401, 403
OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What Stripe said. `received_at` is our clock, in Unix seconds, at the answer's arrival."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    """In lower case."""
    seconds: float
    received_at: float

    @property
    def message(self) -> str:
        """What Stripe says about a refusal."""
        error = self.body.get("error")
        return str(error.get("message", "")) if isinstance(error, dict) else ""


class NoAnswer(Exception):
    """Nothing came back, or nothing that Stripe would say."""


async def ask(client: stripe.StripeClient, path: str, **parameters: Any) -> Answer:
    """GET a path. Raises NoAnswer; a refusal is an answer."""
    began = time.perf_counter()
    try:
        response = await request(client, "get", path, parameters)
        status, headers, text = response.code, response.headers, response.body
    except stripe.APIConnectionError as error:
        raise NoAnswer(str(error)) from error
    except stripe.StripeError as error:
        if error.http_status is None:
            raise NoAnswer(str(error)) from error
        status, headers, text = error.http_status, error.headers or {}, error.http_body or ""
    seconds, received_at = time.perf_counter() - began, time.time()
    return Answer(
        status=status,
        body=_parsed(text, status),
        headers={str(name).lower(): str(value) for name, value in headers.items()},
        seconds=seconds,
        received_at=received_at,
    )


def _parsed(text: str | bytes, status: int) -> Mapping[str, Any]:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return body
    if status == OK:
        raise NoAnswer("what answers there does not speak Stripe's API")
    return {}
