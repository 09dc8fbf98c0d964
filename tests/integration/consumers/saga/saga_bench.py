"""Sagas without Kafka: streams are appended, their events are handed to the intake, and the runner makes the steps."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from consumers.saga.intake import Sagas, by_kind, waking
from consumers.saga.registry import SAGAS
from consumers.saga.runner import SagaRunner
from domain.ids import MerchantId, PaymentId, SplitPaymentId, StripeChargeId, StripeIntentId
from domain.payment.commands import PaymentCommand
from domain.payment.observations import RecordAuthorized, RecordCanceled, RecordPaymentFailed, RecordSucceeded
from domain.payment.state import PaymentState
from domain.saga.commands import OperatorCommand
from domain.split_payment.commands import SplitPaymentCommand
from domain.split_payment.decide import decide
from domain.split_payment.state import SplitPaymentState
from event_store.decide import StreamCommand, decide_and_append
from event_store.event_log import ConnectionLog
from event_store.payments import command_payment, load_payment
from event_store.split_payments import SPLIT_PAYMENT, LoadedSplitPayment, load_split_payments
from event_store.store import recorded_event
from infra.postgres.pool import Connection, Pool
from schemas.cloudevents import Delivered
from schemas.envelope import EventMetadata, RecordedEvent
from tests.support.database import Database
from tests.unit.domain.split_payment.worlds import a_split_request

MERCHANT = MerchantId("merchant_1")
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the tests of sagas work with."""

    pool: Pool
    database: Database
    sagas: Sagas
    passed: list[float]
    """The time that passed for the sagas, in seconds, beside the database's."""

    @classmethod
    def of(cls, pool: Pool, database: Database) -> "Bench":
        passed: list[float] = []

        def later(definition: Any) -> Any:
            def step(state: Any, participants: Any, now: float) -> Any:
                return definition.step(state, participants, now + sum(passed))

            return replace(definition, step=step)

        return cls(pool=pool, database=database, sagas=by_kind([later(each) for each in SAGAS]), passed=passed)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Connection]:
        """A connection that may do everything."""
        async with await psycopg.AsyncConnection.connect(self.database.url("owner"), autocommit=True) as conn:
            yield conn

    @property
    def runner(self) -> SagaRunner:
        return SagaRunner(self.pool, self.sagas)

    async def request(self, legs: int = 2, *, now: float, expires_in_seconds: int = 600) -> SplitPaymentId:
        """Append a split payment with ids of its own."""
        request = a_split_request(legs, expires_in_seconds=expires_in_seconds)
        split_payment_id = SplitPaymentId(uuid4())
        own = tuple(replace(leg, payment_id=PaymentId(uuid4())) for leg in request.legs)
        await self.command(split_payment_id, replace(request, split_payment_id=split_payment_id, legs=own, now=now))
        return split_payment_id

    async def command(self, split_payment_id: SplitPaymentId, command: SplitPaymentCommand | OperatorCommand) -> None:
        """Decide on a split payment, and append."""

        def decide_on(loaded: LoadedSplitPayment) -> Sequence[Any]:
            return decide(loaded.state, command)

        async with self.pool.connection() as conn, conn.transaction():
            of_split = StreamCommand(stream_id=split_payment_id, metadata=_metadata(), decide=decide_on)
            await decide_and_append(ConnectionLog(conn), SPLIT_PAYMENT, [of_split])

    async def observe(self, payment_id: PaymentId, command: PaymentCommand) -> None:
        """Append what Stripe says of a leg."""
        async with self.pool.connection() as conn, conn.transaction():
            await command_payment(ConnectionLog(conn), payment_id, command, _metadata())

    async def authorize(self, payment_id: PaymentId, *, capture_before: int | None = None) -> None:
        state = await self.leg(payment_id)
        assert state is not None
        await self.observe(
            payment_id,
            RecordAuthorized(
                intent_id=StripeIntentId(f"pi_{payment_id.hex}"),
                amount=state.amount,
                charge_id=StripeChargeId(f"ch_{payment_id.hex}"),
                capture_before=capture_before,
            ),
        )

    async def answer_all(self, split_payment_id: SplitPaymentId) -> None:
        """Have Stripe carry out whatever is requested of the legs."""
        for payment_id in (await self.state(split_payment_id)).legs:
            state = await self.leg(payment_id)
            if state is None:
                continue
            if state.cancel_requested is not None:
                await self.observe(payment_id, RecordCanceled(intent_id=state.intent_id))
            elif state.capture_requested is not None:
                assert state.intent_id is not None
                await self.observe(
                    payment_id,
                    RecordSucceeded(
                        intent_id=state.intent_id,
                        amount_captured=state.capture_requested.amount,
                        charge_id=StripeChargeId(f"ch_{payment_id.hex}"),
                    ),
                )
            elif state.confirmation_requested:
                await self.authorize(payment_id)

    async def refuse(self, payment_id: PaymentId) -> None:
        await self.observe(payment_id, RecordPaymentFailed(code="resource_missing", message="No such method."))

    async def log(self) -> list[RecordedEvent]:
        """Return the whole log."""
        async with self.pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute("SELECT *, data::text AS data FROM event_store.events ORDER BY position")
            return [recorded_event(row) for row in await cursor.fetchall()]

    async def deliver(self, events: Sequence[RecordedEvent] | None = None) -> None:
        """Hand events to the intake, by default all that there are."""
        messages = [Delivered(event=event, previous_position=0) for event in events or await self.log()]
        async with self.pool.connection() as conn, conn.transaction():
            await waking(self.sagas)(conn, messages)

    async def run_due(self) -> None:
        """Step until nothing is due."""
        while await self.runner.run_due():
            pass

    async def state(self, split_payment_id: SplitPaymentId) -> SplitPaymentState:
        async with self.pool.connection() as conn:
            state = (await load_split_payments(conn, [split_payment_id]))[split_payment_id].state
        assert state is not None
        return state

    async def leg(self, payment_id: PaymentId) -> PaymentState | None:
        async with self.pool.connection() as conn:
            return (await load_payment(conn, payment_id)).state

    async def row(self, saga_id: UUID) -> tuple[Any, ...]:
        """Return status, whether there is a timer, failures and last error."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT status, due_at IS NOT NULL, failures, last_error FROM consumers.sagas WHERE saga_id = %s",
                [saga_id],
            )
            row = await cursor.fetchone()
        assert row is not None
        return row

    async def later(self, seconds: float) -> None:
        """Have so much time pass for the sagas, and step what is due then."""
        self.passed.append(seconds)
        await self.execute("UPDATE consumers.sagas SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")
        await self.run_due()

    async def execute(self, statement: str, *parameters: Any) -> None:
        async with self.pool.connection() as conn:
            await conn.execute(statement, parameters)


def _metadata() -> EventMetadata:
    return EventMetadata(correlation_id=f"c-{next(_numbers)}", actor="api:test", merchant_id=MERCHANT)
