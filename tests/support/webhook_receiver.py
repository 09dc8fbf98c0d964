"""A merchant's server: takes webhooks, remembers them, and answers as a test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(kw_only=True)
class Receiver:
    """`answer` decides what a request is answered; `hold` keeps answers back while it is set."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], web.StreamResponse] = lambda _: web.Response(text="ok")
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, it keeps answers back."""
    in_flight: dict[str, int] = field(default_factory=dict)
    most_in_flight: int = 0
    """Of one payment."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    def types(self, payment_id: object) -> list[str]:
        """Return what came of a payment, in the order in which it came."""
        found = [each.json for each in self.received]
        return [each["type"] for each in found if each["payment_id"] == str(payment_id)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        message = Received(
            headers={name.lower(): value for name, value in request.headers.items()}, body=await request.read()
        )
        payment_id = message.json["payment_id"]
        self.in_flight[payment_id] = self.in_flight.get(payment_id, 0) + 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight[payment_id])
        try:
            self.received.append(message)
            await self.released.wait()
            return self.answer(message)
        finally:
            self.in_flight[payment_id] -= 1


@asynccontextmanager
async def a_receiver() -> AsyncIterator[Receiver]:
    """Run one on a free port of this machine."""
    receiver = Receiver()
    receiver.released.set()
    app = web.Application()
    app.router.add_post("/webhooks", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        receiver.released.set()
        await runner.cleanup()
