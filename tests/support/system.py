"""The running system as its users meet it: HTTP to both APIs, and the sandbox's books as the judge of charges."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from event_store.privacy.vault import open_vault
from infra.embedded.connections import DEVELOPMENT_KEY
from infra.embedded.process import processes_of
from infra.embedded.stack import Stack
from infra.settings.privacy import VaultSettings
from projections.verify import Difference, differences
from tests.support.brokers import chosen_broker, chosen_layout
from tests.support.prepared_home import copy_prepared
from tests.support.waiting import eventually

Json = dict[str, Any]

FINISHED = {"succeeded", "requires_payment_method", "requires_capture", "requires_action", "canceled", "failed"}


# Whoever waits for a message asks for it every 50 ms, not every 7: it halves what an idle system takes of the machine.
AT_LEISURE = {"KAFKA_FETCH_MAX_WAIT_MS": "100"}


class System:
    """A stack and the clients of its three HTTP servers."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        # verify=False saves loading certificates, a tenth of a second a client: all of this is plain HTTP.
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
        headers = {"Authorization": f"Bearer {DEVELOPMENT_KEY}"}
        self.command = httpx.AsyncClient(base_url=stack.urls.command_api, headers=headers, limits=limits, timeout=30)
        self.query = httpx.AsyncClient(
            base_url=stack.urls.query_api, headers=headers, limits=limits, timeout=30, verify=False
        )
        self.sandbox = httpx.AsyncClient(base_url=stack.urls.sandbox, timeout=30, verify=False)

    async def close(self) -> None:
        """Close the clients; the stack is its owner's."""
        for client in (self.command, self.query, self.sandbox):
            await client.aclose()

    async def create(self, key: str | None = None, *, wait: int | None = None, **fields: Any) -> httpx.Response:
        """POST /payments, with a card that succeeds unless `fields` say otherwise."""
        body = {
            "user_id": "user_1",
            "amount_cents": 1000,
            "currency": "USD",
            "payment_method": "pm_card_visa",
            **fields,
        }
        return await self.command.post("/payments", json=body, headers=_headers(key, wait))

    async def post(
        self, payment_id: str, action: str, key: str | None = None, *, wait: int | None = None, **fields: Any
    ) -> httpx.Response:
        """POST /payments/{id}/{action}."""
        return await self.command.post(f"/payments/{payment_id}/{action}", json=fields, headers=_headers(key, wait))

    async def refund(self, payment_id: str, amount_cents: int | None = None, **options: Any) -> httpx.Response:
        """POST /payments/{id}/refund; None refunds all that is left."""
        body: Json = {} if amount_cents is None else {"amount_cents": amount_cents}
        return await self.post(payment_id, "refund", **body, **options)

    async def payment(self, payment_id: str, *, min_position: int = 0) -> Json:
        """GET /payments/{id} from the query API."""
        answer = await self.query.get(f"/payments/{payment_id}", params={"min_position": min_position})
        answer.raise_for_status()
        return answer.json()  # type: ignore[no-any-return]

    async def finished(self, payment_id: str, *, min_position: int = 0, within: float = 20) -> Json:
        """Wait until the query API shows the payment, as of `min_position` and with its refunds, as settled."""

        def is_finished(found: Json) -> bool:
            return found["status"] in FINISHED and all(refund["status"] != "pending" for refund in found["refunds"])

        return await self.becomes(payment_id, is_finished, min_position=min_position, within=within)

    async def finished_as(self, payment_id: str, status: str, *, within: float = 20) -> Json:
        """Wait until the query API shows the payment with this status."""
        return await self.becomes(payment_id, lambda found: found["status"] == status, within=within)

    async def becomes(
        self, payment_id: str, until: Callable[[Json], bool], *, min_position: int = 0, within: float = 20
    ) -> Json:
        """Wait until the query API shows it so; it may not show it at all yet."""

        async def probe() -> Json | None:
            answer = await self.query.get(f"/payments/{payment_id}", params={"min_position": min_position})
            return answer.json() if answer.status_code == httpx.codes.OK else None

        found = await eventually(probe, lambda seen: seen is not None and until(seen), within=within)
        assert found is not None
        return found

    async def intents(self, payment_id: str) -> list[Json]:
        """The intents that the sandbox has for a payment."""
        return await self._stripe_objects("payment_intents", payment_id)

    async def charges(self, payment_id: str) -> list[Json]:
        """The charges that the sandbox has for a payment."""
        return await self._stripe_objects("charges", payment_id)

    async def refunds(self, payment_id: str) -> list[Json]:
        """The refunds that the sandbox has for a payment."""
        return await self._stripe_objects("refunds", payment_id)

    async def differences(self) -> list[Difference]:
        """Compare the read model with a replay of the event store."""
        found = {name.lower(): value for name, value in self.stack.connection_settings("projector").items()}
        settings = VaultSettings(_env_file=None, **found)  # type: ignore[arg-type]
        async with (
            open_vault(settings, "test") as vault,
            await psycopg.AsyncConnection.connect(self.stack.database_url()) as connection,
        ):
            return await differences(connection, connection, vault=vault)

    async def _stripe_objects(self, what: str, payment_id: str) -> list[Json]:
        filters = {"metadata[paystream_payment_id]": payment_id}
        answer = await self.sandbox.get(f"/_sandbox/{what}", params=filters)
        answer.raise_for_status()
        return answer.json()  # type: ignore[no-any-return]


@asynccontextmanager
async def running_system(
    home: Path, *, settings: Mapping[str, str] | None = None, **options: Any
) -> AsyncIterator[System]:
    """Start a whole stack on free ports, on the chosen broker, and end it."""
    await copy_prepared(home)
    environment = AT_LEISURE | dict(settings or {})
    chosen = {"broker": chosen_broker(), "processes": processes_of(chosen_layout())}
    async with Stack(home, fsync=False, settings=environment, **{**chosen, **options}) as stack:
        system = System(stack)
        try:
            yield system
        finally:
            await system.close()


async def run_concurrently(count: int, action: Callable[[int], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """Run `action(index)` `count` times at once."""
    return await asyncio.gather(*(action(index) for index in range(count)))


def new_key() -> str:
    """Return an idempotency key that nobody used."""
    return str(uuid.uuid4())


def _headers(key: str | None, wait: int | None) -> dict[str, str]:
    headers = {} if key is None else {"Idempotency-Key": key}
    return headers if wait is None else headers | {"Prefer": f"wait={wait}"}
