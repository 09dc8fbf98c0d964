"""Removes what was kept long enough: once an hour, a part at a time, each in a transaction of its own.

Of the log nothing is removed, and a timeline is back after a rebuild, until the next time. What Stripe told in the log
becomes unreadable, where it is personal, as its keys are destroyed; as with an erasure, the log says so, and a backup
does not bring them back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import structlog

from consumers.sweeper import metrics
from domain.ids import ErasureId, KeyId
from domain.privacy import KeyDestroyed
from event_store.appends import NO_STREAM, Append
from event_store.store import append
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import PRIVACY_CODEC

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("retention.sql"))
_INTERVAL_S = 3600.0
_PART = 1000
_ACTOR = "sweeper"

GoOn = Callable[[], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionRules:
    """How many days each is kept; 0: for ever."""

    answers_days: int
    tasks_days: int
    stripe_bodies_days: int
    timeline_days: int = 0


class Retention:
    """What is due is removed; the next time goes on where this one was stopped."""

    def __init__(
        self, pool: Pool, rules: RetentionRules, *, clock: Callable[[], float] = time.monotonic, part: int = _PART
    ) -> None:
        self._pool = pool
        self._rules = rules
        self._clock = clock
        self._part = part
        self._due_at = clock()

    async def remove(self, *, go_on: GoOn) -> None:
        """Remove all that is due, unless that was done within the hour. Raises what the database raises."""
        if self._clock() < self._due_at:
            return
        rules = self._rules
        removed = {
            "answers": await self._all(_SQL.forget_answers, rules.answers_days, go_on),
            "tasks": await self._all(_SQL.forget_tasks, rules.tasks_days, go_on),
            "stripe_keys": await self._keys(rules.stripe_bodies_days, go_on),
            "timeline": await self._timelines(rules.timeline_days, go_on),
        }
        for what, count in removed.items():
            metrics.RETENTION_REMOVED.labels(what).inc(count)
        if go_on():
            self._due_at = self._clock() + _INTERVAL_S
            metrics.RETENTION_ENDED.set_to_current_time()
        if any(removed.values()):
            log.info("retention_removed", **removed)

    async def _all(self, statement: LiteralString, days: int, go_on: GoOn) -> int:
        removed = 0
        while days and go_on():
            async with self._pool.connection() as conn:
                row = await (await conn.execute(statement, {"days": days, "most": self._part})).fetchone()
            assert row is not None
            removed += row[0]
            if row[0] < self._part:
                break
        return removed

    async def _timelines(self, days: int, go_on: GoOn) -> int:
        """Look at the oldest rows that are left, until they are not old enough: what stays is looked at again."""
        removed, after = 0, 0
        while days and go_on():
            parameters = {"days": days, "after": after, "most": self._part}
            async with self._pool.connection() as conn:
                row = await (await conn.execute(_SQL.forget_timelines, parameters)).fetchone()
            assert row is not None
            removed += row[0]
            if row[1] is None:
                break
            after = row[1]
        return removed

    async def _keys(self, days: int, go_on: GoOn) -> int:
        removed = 0
        while days and go_on():
            async with self._pool.connection() as conn, conn.transaction():
                rows = await (await conn.execute(_SQL.expire_keys, {"days": days, "most": self._part})).fetchall()
                await _burn(conn, [row[0] for row in rows])
            removed += len(rows)
            if len(rows) < self._part:
                break
        return removed


async def _burn(conn: Connection, key_ids: list[UUID]) -> None:
    """Have the log say that keys were destroyed, so that they are never used again; one that it knows is left out."""
    erasure_id = ErasureId(uuid7())
    metadata = EventMetadata(correlation_id=f"retention-{erasure_id}", actor=_ACTOR, merchant_id=NO_MERCHANT)
    burning = [
        Append.of(
            PRIVACY_CODEC,
            [KeyDestroyed(key_id=KeyId(each), erasure_id=erasure_id)],
            stream_id=each,
            expected_version=NO_STREAM,
            metadata=metadata,
        )
        for each in key_ids
    ]
    if burning:
        await append(conn, burning)
