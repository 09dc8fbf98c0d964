"""A log whose first partition is old, sealed and consumed, and archives of it."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from event_store.appends import Append, Appended
from event_store.archive.archiving import Archived, ArchivePlan, Archiving
from event_store.archive.one_log import OneLog
from event_store.privacy.attached import attach
from event_store.privacy.vault import Vault
from event_store.proofs.report import Verified
from event_store.proofs.statement import EventRow
from event_store.proofs.verify import Verification
from event_store.store import Connection, append
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import stream_id_of
from schemas.stripe_webhooks.read import read_listed_event
from schemas.topics import STRIPE_EVENT
from tests.support.sealed_logs import KEY, SealedLog

PARTITIONS = 3
SIZE = 10_000_000
"""Positions in a partition of the log."""


@dataclass(frozen=True, kw_only=True)
class OldLog:
    """A sealed log, of which the first partition may be archived."""

    sealed: SealedLog
    folder: Path
    payments: list[uuid.UUID] = field(default_factory=list)
    stripe_events: list[uuid.UUID] = field(default_factory=list)
    """Streams of what Stripe told."""

    async def fill(self, *, payments: int = 12, stripe_events: int = 12, vault: Vault | None = None) -> None:
        """Append to the first partition, and then so that the next ones are in the second; seal and consume it all."""
        await self.append(payments=payments, stripe_events=stripe_events, vault=vault)
        await self.age()
        await self.begin_partition(1)
        await self.append(payments=2, stripe_events=2, seed=1000, vault=vault)
        await self.sealed.seal()
        await self.consume()

    async def append(self, *, payments: int, stripe_events: int, seed: int = 0, vault: Vault | None = None) -> None:
        """Append payments, and what Stripe told between them."""
        for number in range(max(payments, stripe_events)):
            if number < payments:
                self.payments.extend(await self.sealed.append(payments=1, seed=seed + number))
            if number < stripe_events:
                self.stripe_events.append(await store_stripe_event(self.sealed.app, f"{seed + number}", vault=vault))

    async def age(self, days: int = 500) -> None:
        """Have all events been recorded so long ago."""
        await self.sealed.tamper(
            f"UPDATE event_store.events SET recorded_at = recorded_at - interval '{days} days' WHERE position < {SIZE}"
        )

    async def begin_partition(self, number: int) -> None:
        """Have the next events come into a partition."""
        async with self.sealed.connection("owner") as owner:
            await owner.execute(f"SELECT setval('event_store.event_position', {number * SIZE})")
            await owner.execute("SELECT event_store.ensure_partitions()")

    async def consume(self, position: int = 2 * SIZE) -> None:
        """Have the interpreter of webhooks taken everything up to a position."""
        async with self.sealed.connection("owner") as owner:
            await owner.execute(
                "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)"
                f" SELECT 'stripe-webhooks', '{STRIPE_EVENT}', number, {position}"
                f"   FROM generate_series(0, {PARTITIONS - 1}) AS number"
                " ON CONFLICT (consumer, topic, partition) DO UPDATE SET position = excluded.position"
            )

    def plan(self, *, older_than_days: int = 400, wait_s: float = 5.0) -> ArchivePlan:
        """Return where and when it is archived."""
        return ArchivePlan(
            folder=self.folder,
            tiles=self.sealed.folder,
            keys=[KEY.public],
            partitions=PARTITIONS,
            older_than_days=older_than_days,
            actor="operator",
            wait_s=wait_s,
        )

    @asynccontextmanager
    async def archiving(self, plan: ArchivePlan | None = None) -> AsyncIterator[Archiving]:
        """Lend what archives, as the command has it."""
        async with self.sealed.connection("owner") as owner:
            yield Archiving(owner, plan or self.plan())

    async def archive(self, plan: ArchivePlan | None = None) -> Archived:
        """Archive the oldest partition."""
        async with self.archiving(plan) as archiving:
            return await archiving.run()

    async def verify(self, *, full: bool = False, since: int | datetime | None = None) -> Verified:
        """Return what an auditor finds, in both."""
        async with self.sealed.connection("audit") as auditor:
            log = await OneLog.open(auditor, self.folder)
            return await Verification(auditor, self.sealed.folder, [KEY.public], full=full, log=log).run(since=since)

    async def rows(self) -> list[EventRow]:
        """Return all events of the one log, as an auditor reads them."""
        async with self.sealed.connection("audit") as auditor:
            log, found = await OneLog.open(auditor, self.folder), list[EventRow]()
            while rows := await log.rows_after(found[-1][0] if found else 0, limit=7):
                found += rows
            return found

    async def query(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Return rows, as the owner reads them."""
        async with self.sealed.connection("owner") as owner:
            return await (await owner.execute(statement)).fetchall()


async def store_stripe_event(app: Connection, name: str, *, vault: Vault | None = None) -> uuid.UUID:
    """Append what Stripe told of a customer; return its stream."""
    if vault is not None:
        attach(app, vault)
    request = stripe_event(name)
    (result,) = await append(app, [request])
    assert isinstance(result, Appended)
    await app.commit()
    return request.stream_id


def stripe_event(name: str, **details: str) -> Append:
    """Return the append of what Stripe told of a customer, named Ada."""
    shown = {
        "id": f"evt_{name}",
        "object": "event",
        "type": "customer.updated",
        "created": 1,
        "livemode": False,
        "data": {"object": {"id": f"cus_{name}", "name": "Ada", **details}},
    }
    event = read_listed_event(shown)
    metadata = EventMetadata(correlation_id="c", actor="stripe", merchant_id=NO_MERCHANT)
    stream_id = stream_id_of(event.stripe_event_id)
    return Append.of(STRIPE_EVENT_CODEC, [event], stream_id=stream_id, expected_version=0, metadata=metadata)
