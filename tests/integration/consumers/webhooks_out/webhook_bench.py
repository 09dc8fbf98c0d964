"""Webhooks without Kafka: payments are appended, their events are handed to the intake, and a pool delivers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from consumers.webhooks_out.attempt import Attempts
from consumers.webhooks_out.intake import write_deliveries
from consumers.webhooks_out.pool import DeliveryPool
from consumers.webhooks_out.replays import Replays
from domain.ids import MerchantId, PaymentId
from domain.payment.commands import PaymentCommand
from event_store.event_log import ConnectionLog
from event_store.payments import command_payment
from event_store.privacy.vault import AnyVault
from event_store.store import recorded_event
from infra.postgres.pool import Connection, Pool
from infra.webhooks_out import endpoints
from infra.webhooks_out.addresses import AddressPolicy
from infra.webhooks_out.endpoints import EndpointWithSecret
from infra.webhooks_out.secret_box import SecretBox
from infra.webhooks_out.transport import WebhookTransport
from schemas.cloudevents import Delivered
from schemas.envelope import EventMetadata, RecordedEvent
from tests.support.database import Database
from tests.support.waiting import eventually
from tests.unit.domain.payment_builders import a_request, intent_created, refund, succeeded

MERCHANT = MerchantId("merchant_1")
BOX = SecretBox([bytes(32)])
HERE = AddressPolicy(allow_private=True, allow_http=True)
LIFE = ["payment.requested", "payment.intent_created", "payment.succeeded", "payment.refund_requested"]
"""What `pay` appends."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the tests work with."""

    pool: Pool
    database: Database

    async def endpoint(self, url: str, *, merchant_id: str = MERCHANT, types: Sequence[str] = ()) -> EndpointWithSecret:
        async with self.pool.connection() as conn:
            return await endpoints.create(
                conn, BOX, merchant_id=merchant_id, url=url, event_types=types, description="", enabled=True
            )

    async def change(self, made: EndpointWithSecret, *, url: str | None = None, enabled: bool | None = None) -> None:
        """Change what is given of an endpoint."""
        async with self.pool.connection() as conn:
            changed = await endpoints.update(
                conn,
                made.endpoint.endpoint_id,
                merchant_id=MERCHANT,
                url=url,
                event_types=None,
                description=None,
                enabled=enabled,
            )
        assert changed is not None

    async def pay(self, *, merchant_id: MerchantId = MERCHANT, commands: Sequence[PaymentCommand] = ()) -> PaymentId:
        """Append a payment that succeeds, and a request for its refund."""
        payment_id = PaymentId(uuid4())
        life = commands or (
            a_request(payment_id=payment_id, merchant_id=merchant_id),
            intent_created(),
            succeeded(),
            refund(100),
        )
        metadata = EventMetadata(correlation_id="c-1", actor="api:test", merchant_id=merchant_id)
        for command in life:
            async with self.pool.connection() as conn:
                await command_payment(ConnectionLog(conn), payment_id, command, metadata)
        return payment_id

    async def log(self) -> list[RecordedEvent]:
        async with self.pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute("SELECT *, data::text AS data FROM event_store.events ORDER BY position")
            return [recorded_event(row) for row in await cursor.fetchall()]

    async def take(self, events: Sequence[RecordedEvent] | None = None) -> None:
        """Hand events to the intake, by default all payment events that there are."""
        chosen = await self.log() if events is None else events
        messages = [Delivered(event=each, previous_position=0) for each in chosen if each.category == "payment"]
        async with self.pool.connection() as conn:
            await write_deliveries(conn, messages)

    @asynccontextmanager
    async def delivering(
        self,
        *,
        pauses_s: Sequence[float] = (0.01,) * 5,
        disable_after_s: float = 3600,
        timeout_s: float = 5.0,
        lease_ms: int = 10_000,
        box: SecretBox = BOX,
        vault: AnyVault | None = None,
    ) -> AsyncIterator[DeliveryPool]:
        transport = WebhookTransport(HERE, timeout_s=timeout_s, concurrency=16)
        attempts = Attempts(self.pool, transport, box, pauses_s=pauses_s, disable_after_s=disable_after_s)
        wake, stop = asyncio.Event(), asyncio.Event()
        workers = DeliveryPool(
            self.pool,
            attempts.make,
            concurrency=32,
            per_endpoint=16,
            lease_ms=lease_ms,
            retention_s=3600,
            wake=wake,
            vault=vault,
        )
        running = [asyncio.create_task(workers.run(stop)), asyncio.create_task(Replays(self.pool, wake=wake).run(stop))]
        try:
            yield workers
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(*running), 20)
            await transport.close()

    async def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as conn:
            return await (await conn.execute(statement, parameters)).fetchall()

    async def let_pass(self, *, hours: int) -> None:
        """Have the overlaps of secrets end that much earlier."""
        async with self.owner() as conn:
            await conn.execute(
                "UPDATE webhooks_out.previous_secrets SET signs_until = signs_until - make_interval(hours => %s)",
                [hours],
            )

    async def statuses(self) -> list[str]:
        """Return the statuses of all deliveries, in the order of the log."""
        return [row[0] for row in await self.rows("SELECT status FROM webhooks_out.deliveries ORDER BY position")]

    async def all_become(self, status: str, *, within: float = 20) -> None:
        """Wait until every delivery has a status."""
        await eventually(self.statuses, lambda found: set(found) <= {status}, within=within)

    async def events_of(self, endpoint_id: UUID) -> list[RecordedEvent]:
        return [event for event in await self.log() if event.stream_id == endpoint_id]

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Connection]:
        """A connection that may do everything."""
        async with await psycopg.AsyncConnection.connect(self.database.url("owner"), autocommit=True) as conn:
            yield conn
