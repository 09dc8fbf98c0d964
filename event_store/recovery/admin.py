"""The admin commands for a closed log: what `paystream recover` shows and does."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from aiokafka.errors import KafkaError
from psycopg.errors import InsufficientPrivilege

from event_store.recovery.checkpoints import take_back_checkpoints
from event_store.recovery.compare import LoggedEvent
from event_store.recovery.examination import Examined, RecoveryRefused, ShownEvent
from event_store.recovery.recover import (
    QUERIES,
    NotAllowedToRecover,
    compare_and_write_back,
    fence_relays,
    recovery_lock,
    reopen,
)
from event_store.recovery.traces import Trace
from event_store.store import read_log_state
from infra.errors import InfraError
from infra.postgres.pool import Connection
from infra.settings.kafka import KafkaSettings
from schemas.envelope import RecordedEvent

log = structlog.get_logger(__name__)

_UNDER_WAY = "another process compares the log with Kafka now: try again in a moment"
_OPEN_UNCOMPARED = (
    "A relay opens the log as soon as Kafka is back. To open it before says that this is the data that PostgreSQL had "
    "before it was started, and no older copy of it"
)


class KafkaUnavailable(RecoveryRefused):
    """Nothing can be compared now."""


class RecoveryAdmin:
    """What operators do about a closed log. Each method raises RecoveryRefused with a text for people."""

    async def examine(self, conn: Connection, settings: KafkaSettings) -> Examined:
        """Show the log, compared with Kafka while it is closed."""
        state = await read_log_state(conn)
        if state.closed_because is None:
            row = await (await conn.execute(QUERIES.last_recovery)).fetchone()
            whole_up_to = 0 if row is None else int(row[0]["whole_up_to"])
            return await self._since(conn, Examined(epoch=state.epoch, closed_because=None, since=None), whole_up_to)
        async with recovery_lock(conn) as is_ours:
            if not is_ours:
                raise RecoveryRefused(_UNDER_WAY)
            try:
                async with recovery_errors():
                    records = await fence_relays(settings, conn, state)
                    async with conn.transaction(force_rollback=True):
                        found = await compare_and_write_back(settings, conn, state, records)
            except KafkaUnavailable as unavailable:
                if not state.only_started:
                    raise
                blockers = (f"{unavailable}. {_OPEN_UNCOMPARED}",)
                return Examined(epoch=state.epoch, closed_because=state.closed_because, since=None, blockers=blockers)
        shown = Examined(
            epoch=state.epoch,
            closed_because=state.closed_because,
            since=None,
            whole_up_to=found.whole_up_to,
            common=found.common,
            lost=found.written_back,
            first_lost=tuple(map(_shown, found.first_lost)),
            lost_streams=frozenset(found.lost_streams),
            left_out=tuple(
                (_shown(each.lost), None if each.instead is None else _shown(each.instead)) for each in found.different
            ),
            unpublished=found.unpublished,
            blockers=found.blockers,
        )
        return await self._since(conn, shown, found.whole_up_to)

    async def recover(self, conn: Connection, settings: KafkaSettings, *, actor: str, reason: str) -> str:
        """Write back what can be, and open the log. What cannot be stays in the record of it, whole."""
        before = await read_log_state(conn)
        if before.closed_because is None:
            raise RecoveryRefused("the log is open: there is nothing to recover")
        async with recovery_lock(conn) as is_ours:
            if not is_ours:
                raise RecoveryRefused(_UNDER_WAY)
            try:
                async with recovery_errors():
                    records = await fence_relays(settings, conn, before)
                    async with conn.transaction():
                        found = await compare_and_write_back(settings, conn, before, records)
                        if found.blockers and not reason:
                            raise RecoveryRefused("an operator has to decide here, with a reason")
                        await reopen(settings, conn, found, records, {"decided_by": actor, "because": reason})
                        is_read_model_ahead = await take_back_checkpoints(conn, found)
                        if found.blockers:
                            await conn.execute(QUERIES.end_tasks_without_event, {"position": found.whole_up_to})
            except KafkaUnavailable:
                if not before.only_started:
                    raise
                return await _open_uncompared(conn, actor, reason)
        state = await read_log_state(conn)
        summary = f"the log is open, in epoch {state.epoch}; {found.written_back} events were written back"
        if is_read_model_ahead:
            summary += (
                f", {len(found.different)} left out. Kafka holds what the log does not: delete its topics, and empty "
                "the read model. Both are filled again from the log (docs/runbooks/restored-backup.md)"
            )
        return summary

    async def missing_from_log(self, conn: Connection, traces: Collection[Trace]) -> list[Trace]:
        """Return the traces whose payment, or whose event at its position, the log lacks."""
        streams = await (
            await conn.execute(QUERIES.known_streams, {"stream_ids": [each.payment_id for each in traces]})
        ).fetchall()
        placed = [each for each in traces if each.position is not None]
        parameters = {
            "positions": [each.position for each in placed],
            "stream_ids": [each.payment_id for each in placed],
        }
        positions = await (await conn.execute(QUERIES.known_positions, parameters)).fetchall()
        known, at = {stream for (stream,) in streams}, {position for (position,) in positions}
        return [
            each
            for each in traces
            if each.payment_id not in known or (each.position is not None and each.position not in at)
        ]

    async def _since(self, conn: Connection, shown: Examined, whole_up_to: int) -> Examined:
        row = await (await conn.execute(QUERIES.recorded_at, {"position": whole_up_to})).fetchone()
        return replace(shown, since=None if row is None else row[0])


@asynccontextmanager
async def recovery_errors() -> AsyncIterator[None]:
    """Raise KafkaUnavailable, RecoveryRefused or NotAllowedToRecover for what can go wrong within the block."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise KafkaUnavailable(f"Kafka does not answer: nothing can be compared ({type(error).__name__})") from error
    except InsufficientPrivilege as error:
        raise NotAllowedToRecover from error
    except RecoveryRefused:
        raise
    except InfraError as error:
        raise RecoveryRefused(str(error)) from error


async def _open_uncompared(conn: Connection, actor: str, reason: str) -> str:
    try:
        row = await (await conn.execute(QUERIES.open_uncompared, {"actor": actor, "reason": reason})).fetchone()
    except InsufficientPrivilege as error:
        raise NotAllowedToRecover from error
    assert row is not None
    log.warning("log_opened_uncompared", actor=actor, reason=reason)
    return f"the log is open, in epoch {row[0]}, without a comparison with Kafka"


def _shown(event: RecordedEvent | LoggedEvent) -> ShownEvent:
    return ShownEvent(
        position=event.position,
        event_id=event.event_id,
        stream_id=event.stream_id,
        version=event.version,
        type=event.type,
    )
