"""Carries out replays: what was recorded in a time is delivered to an endpoint once more, bit by bit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from psycopg.rows import class_row

from consumers.webhooks_out.intake import delivery_of
from consumers.webhooks_out.store import SQL, ActiveEndpoint, add
from domain.ids import MerchantId, WebhookEndpointId
from event_store.replay.moments import just_before, position_at
from event_store.replay.reading import Run, Selection, final_position, read_runs
from infra.backoff import Backoff, Pauses
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, Pool
from infra.process.waiting import wait_for_event
from schemas.events.payment_events import CATEGORY
from schemas.http.times import end_of_moment

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 2.0
_RUN = 1000
_DATABASE_AWAY = Backoff(first_s=0.5, longest_s=15.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Replay:
    replay_id: UUID
    endpoint_id: WebhookEndpointId
    from_at: datetime
    until_at: datetime
    done_until: int | None
    up_to: int | None
    merchant_id: MerchantId
    event_types: list[str]
    enabled: bool


class Replays:
    """Looks for replays that were asked for. `wake` is set when there is something to deliver."""

    def __init__(self, pool: Pool, *, wake: asyncio.Event) -> None:
        self._pool = pool
        self._wake = wake

    async def run(self, stop: asyncio.Event) -> None:
        """Carry replays out until `stop`."""
        away = Pauses(_DATABASE_AWAY)
        while not stop.is_set():
            try:
                is_more = await self.step()
                away.succeeded()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("webhooks_out_replay_retries", error=f"{type(error).__name__}: {error}")
                await wait_for_event(stop, timeout_s=away.failed())
                continue
            if not is_more:
                await wait_for_event(stop, timeout_s=_LOOK_EVERY_S)

    async def step(self) -> bool:
        """Do a part of a replay, in one transaction; return whether there was one."""
        async with self._pool.connection() as conn:
            async with conn.cursor(row_factory=class_row(_Replay)) as cursor:
                await cursor.execute(SQL.lock_replay)
                replay = await cursor.fetchone()
            if replay is None:
                return False
            if replay.up_to is None or replay.done_until is None:
                after, up_to = await self._bounds(replay)
                await _move(conn, replay, after, up_to, is_finished=not replay.enabled or after >= up_to)
                return True
            run = await _next_run(conn, replay, replay.done_until, replay.up_to)
            done_until = replay.up_to if run is None else run.position
            deliveries = 0 if run is None else await _add(conn, replay, run)
            is_finished = run is None or done_until >= replay.up_to
            await _move(conn, replay, done_until, replay.up_to, deliveries=deliveries, is_finished=is_finished)
        if deliveries:
            self._wake.set()
        if is_finished:
            log.info("webhooks_out_replayed", replay_id=str(replay.replay_id), endpoint_id=str(replay.endpoint_id))
        return True

    async def _bounds(self, replay: _Replay) -> tuple[int, int]:
        """Return the positions behind which, and up to which, the events of the time are."""
        async with _autocommit(self._pool) as conn:
            final = await final_position(conn)
            after = await position_at(conn, just_before(replay.from_at))
            up_to = await position_at(conn, replay.until_at)
        return after, min(up_to, final)


@asynccontextmanager
async def _autocommit(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.connection() as conn:
        await conn.set_autocommit(True)
        try:
            yield conn
        finally:
            await conn.set_autocommit(False)


async def _next_run(conn: Connection, replay: _Replay, after: int, up_to: int) -> Run | None:
    selection = Selection(
        after=after,
        up_to=up_to,
        categories=(CATEGORY,),
        types=tuple(replay.event_types) or None,
        merchant_id=replay.merchant_id,
    )
    async for run in read_runs(conn, selection, size=_RUN):
        return run
    return None


async def _add(conn: Connection, replay: _Replay, run: Run) -> int:
    endpoint = ActiveEndpoint(
        merchant_id=replay.merchant_id, endpoint_id=replay.endpoint_id, event_types=(), active_since=replay.from_at
    )
    until_at = end_of_moment(replay.until_at)
    events = [event for event in run.events if replay.from_at <= event.recorded_at <= until_at]
    return await add(conn, [delivery_of(event, endpoint) for event in events], again=True) if events else 0


async def _move(
    conn: Connection, replay: _Replay, done_until: int, up_to: int, *, deliveries: int = 0, is_finished: bool
) -> None:
    values = {
        "replay_id": replay.replay_id,
        "done_until": done_until,
        "up_to": up_to,
        "deliveries": deliveries,
        "is_finished": is_finished,
    }
    await conn.execute(SQL.move_replay, values)
