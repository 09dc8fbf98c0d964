"""The only module that sends requests to Stripe: through a guard and within a time-out; answers stay JSON.

Not for: what is asked and what an answer means.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

import stripe

from infra.stripe.guard.priority import Priority
from infra.tracing import span

JsonObject = dict[str, Any]


class Guard(Protocol):
    """What a call goes through: a limit of calls, a breaker."""

    def call(
        self, endpoint: str | None = None, *, writes: bool = False, priority: Priority = Priority.NORMAL
    ) -> AbstractAsyncContextManager[None]:
        """Wait until one call may be made. Raises infra.stripe.guard.errors.NotSent."""


class NoGuard:
    """For a command that a person runs once: its calls are few."""

    def call(
        self,
        endpoint: str | None = None,  # noqa: ARG002 - as the protocol has it
        *,
        writes: bool = False,  # noqa: ARG002
        priority: Priority = Priority.NORMAL,  # noqa: ARG002
    ) -> AbstractAsyncContextManager[None]:
        """Wait for nothing."""
        return nullcontext()


class StripeCalls:
    """Calls of Stripe itself, or of its sandbox. A call ends within `timeout_s`, all its phases together.

        async with calls.guarded("create_refund", writes=True, priority=Priority.URGENT):
            answer = await calls.request("post", "/v1/refunds", params, idempotency_key=key)

    Put only the request itself into the block, and what has to be looked at after a long wait.
    """

    def __init__(self, client: stripe.StripeClient, guard: Guard, *, timeout_s: float) -> None:
        self._client = client
        self._guard = guard
        self._timeout_s = timeout_s

    @asynccontextmanager
    async def guarded(
        self, endpoint: str | None = None, *, writes: bool = False, priority: Priority = Priority.NORMAL
    ) -> AsyncIterator[None]:
        """Wait for the guard, then limit the block's time. Raises NotSent, TimeoutError."""
        async with self._guard.call(endpoint, writes=writes, priority=priority), asyncio.timeout(self._timeout_s):
            with span(f"stripe {endpoint}", kind="client", attributes={"server.address": "stripe"}):
                yield

    async def request(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, **options: str
    ) -> JsonObject:
        """Return the object that Stripe answers. Raises stripe.StripeError."""
        answer: Any = (await request(self._client, method, path, params, **options)).data
        return dict(answer)


async def request(
    client: stripe.StripeClient, method: str, path: str, params: Mapping[str, Any] | None = None, **options: str
) -> stripe.StripeResponse:
    """Return the answer as it came. Raises stripe.StripeError.

    To make the SDK's objects of it takes most of a call's processor time.
    """
    answer: stripe.StripeResponse = await client.raw_request_async(method, path, **(params or {}), **options)
    return answer
