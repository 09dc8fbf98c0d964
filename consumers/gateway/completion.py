"""Completes finished calls: many at a time, one transaction for their events and the state of their tasks.

A task whose lease expired and was claimed by another worker is left alone, with its events: that worker gets the same
answer from Stripe, by the same key. A result that is written twice changes nothing, as deciders are idempotent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from consumers.gateway.decision import Decision, FinishedCall, requesting_event
from consumers.gateway.metrics import CONTRADICTIONS
from consumers.gateway.plan import is_obsolete
from consumers.tasks.intent_index import IndexedIntent, index_intents
from consumers.tasks.models import RECONCILIATION, NewRefresh, Task, TaskOperation
from consumers.tasks.results import TaskResult
from consumers.tasks.store import find_stuck, lock_leased, make_due, request_refreshes, write_results
from consumers.tasks.watch_list import update_watch_list
from domain.payment.events import PaymentEvent, PaymentIntentCreated, TaskUndone
from domain.payment.state import PaymentState
from event_store.append_signal import AppendSignal
from event_store.decide import StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.group_commit import Batcher
from event_store.payments import PAYMENT
from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Connection, Pool
from infra.process.pacing import Pacing
from schemas.envelope import EventMetadata
from schemas.events import PAYMENT_CODEC

log = structlog.get_logger(__name__)

ACTOR = "stripe-gateway"
WATCHED_AFTER_S = 5.0
"""When it is first looked whether what was called failed appears at Stripe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """How a completion went. `result` is None when the lease had expired; `payment` is the state after it."""

    result: TaskResult | None
    payment: PaymentState | None = None
    status_changed: bool = False


class TaskCompleter:
    """Writes results; those that wait at one moment go together."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._signal = AppendSignal()
        self._batcher = Batcher[FinishedCall, Completed | Exception](
            self._write,
            key=lambda call: call.task.payment_id,
            max_batch=128,
            pacing=Pacing(0.025, per_item_s=0.012, longest_s=0.075),
        )

    async def complete(self, call: FinishedCall) -> Completed:
        """Write one. Raises psycopg.OperationalError while the database is away; nothing is written then."""
        result = await self._batcher.submit(call)
        if isinstance(result, Exception):
            raise result
        return result

    async def close(self) -> None:
        """Write what was submitted, refuse what comes later."""
        await self._batcher.close()

    async def _write(self, calls: Sequence[FinishedCall]) -> Sequence[Completed | Exception]:
        try:
            return await self._write_together(calls)
        except Exception as error:
            if is_transient(error) or len(calls) == 1:
                raise
            log.exception("gateway_completion_failed", tasks=len(calls))
        return [await self._write_alone(call) for call in calls]

    async def _write_alone(self, call: FinishedCall) -> Completed | Exception:
        try:
            return (await self._write_together([call]))[0]
        except Exception as error:  # noqa: BLE001 - handed to the one who submitted it
            return error

    async def _write_together(self, calls: Sequence[FinishedCall]) -> list[Completed]:
        async with self._pool.connection() as conn, conn.transaction():
            ours = await lock_leased(conn, [call.task for call in calls])
            decisions = [Decision(call) for call in calls if call.task.event_id in ours]
            await decide_and_append(ConnectionLog(conn), PAYMENT, [_command(each) for each in decisions])
            await _update_indexes(conn, decisions)
            await _make_obsolete_due(conn, decisions)
            if decisions:
                await write_results(conn, [(each.task, each.result) for each in decisions])
                await self._signal.send(conn)
        for decision in decisions:
            if decision.contradictions:
                CONTRADICTIONS.inc(decision.contradictions)
                log.error("payment_contradicted", payment_id=str(decision.task.payment_id))
        completed = {each.task.event_id: _completed(each) for each in decisions}
        return [completed.get(call.task.event_id, Completed(result=None)) for call in calls]


def _command(decision: Decision) -> StreamCommand[PaymentState, PaymentEvent]:
    task, payment = decision.task, decision.call.payment
    requested = requesting_event(task, payment)
    metadata = EventMetadata(
        correlation_id=task.correlation_id,
        causation_id=str(task.event_id),
        request_id=None if requested is None else requested.metadata.request_id,
        actor=RECONCILIATION if task.is_backfill else ACTOR,
        merchant_id=task.merchant_id,
        traceparent=task.traceparent,
    )
    return StreamCommand(stream_id=task.payment_id, metadata=metadata, decide=decision.decide, loaded=payment)


async def _update_indexes(conn: Connection, decisions: Sequence[Decision]) -> None:
    """Keep what others look up by: whose intent it is, and which payments wait for something at Stripe."""
    changed = [decision for decision in decisions if decision.events and decision.state is not None]
    awaited = await index_intents(
        conn,
        [
            IndexedIntent(intent_id=event.intent_id, payment_id=decision.task.payment_id)
            for decision in changed
            for event in decision.events
            if isinstance(event, PaymentIntentCreated | TaskUndone)  # a dispute names the intent alone
        ],
    )
    refreshes = [_refresh(decision.task) for decision in changed if decision.task.payment_id in awaited]
    if refreshes:  # Stripe told of a dispute or a refund before the answer that made the intent was recorded
        await request_refreshes(conn, refreshes)
    watched = [_refresh(decision.task) for decision in changed if _may_appear_now(decision)]
    if watched:
        await request_refreshes(conn, watched, delay_s=WATCHED_AFTER_S)
    await update_watch_list(conn, [(decision.payment.state, decision.state) for decision in changed if decision.state])


def _may_appear_now(decision: Decision) -> bool:
    before, after = decision.payment.state, decision.state
    return after is not None and after.may_appear and not (before is not None and before.may_appear)


def _refresh(task: Task) -> NewRefresh:
    return NewRefresh(
        payment_id=task.payment_id,
        merchant_id=task.merchant_id,
        position=0,
        correlation_id=task.correlation_id,
        traceparent=task.traceparent,
    )


async def _make_obsolete_due(conn: Connection, decisions: Sequence[Decision]) -> None:
    """Let tasks end now whose outcome a refresh has found: they hold up the payment's later ones for nothing.

    Those are dead, unknown, or to be tried again later.
    """
    refreshed = {
        decision.task.payment_id: decision
        for decision in decisions
        if decision.task.operation is TaskOperation.REFRESH_PAYMENT and decision.is_done
    }
    if not refreshed:
        return
    obsolete = []
    for event_id, payment_id in await find_stuck(conn, list(refreshed)):
        decision = refreshed[payment_id]
        requested = next((event for event in decision.payment.events if event.event_id == event_id), None)
        if (
            requested is not None
            and decision.state is not None
            and is_obsolete(PAYMENT_CODEC.decode(requested), decision.state)
        ):
            obsolete.append(event_id)
    if obsolete:
        await make_due(conn, obsolete)


def _completed(decision: Decision) -> Completed:
    before, after = decision.payment.state, decision.state
    changed = after is not None and (before is None or before.status is not after.status)
    return Completed(result=decision.result, payment=after, status_changed=changed)
