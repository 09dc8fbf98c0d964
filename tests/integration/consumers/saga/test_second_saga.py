"""The runner carries on a saga that it never heard of: that of docs/sagas.md."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from consumers.saga.intake import by_kind, waking
from consumers.saga.runner import SagaRunner
from consumers.saga.store import add_participants
from domain.ids import MerchantId, PaymentId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.payment.commands import PaymentCommand
from domain.payment.observations import RecordPaymentFailed, RecordRefundSucceeded, RecordSucceeded
from event_store.appends import NO_STREAM, Append
from event_store.event_log import ConnectionLog
from event_store.payments import command_payment, load_payment
from event_store.store import append, load
from infra.postgres.pool import Connection, Pool
from schemas.cloudevents import Delivered
from schemas.envelope import EventMetadata
from tests.support.payment_histories import request_payment

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[4] / "docs/examples/exchange_saga.py"
METADATA = EventMetadata(correlation_id="c", actor="api:test", merchant_id=MerchantId("merchant_test"))


@pytest.fixture(scope="module")
def example() -> Mapping[str, Any]:
    found: dict[str, Any] = {"__name__": "exchange_saga"}
    exec(compile(EXAMPLE.read_text("utf-8"), str(EXAMPLE), "exec", dont_inherit=True), found)
    return found


class Exchanges:
    """What would be the command API's, Kafka's and Stripe's part."""

    def __init__(self, pool: Pool, example: Mapping[str, Any]) -> None:
        self._pool = pool
        self._example = example
        self._sagas = by_kind([example["EXCHANGES"]])

    async def request(self, old: PaymentId, new: PaymentId) -> UUID:
        exchange_id = uuid4()
        event = self._example["ExchangeRequested"](
            exchange_id=exchange_id, merchant_id=METADATA.merchant_id, old=old, new=new
        )
        async with self._pool.connection() as conn:
            codec = self._example["CODEC"]
            await append(
                conn,
                [Append.of(codec, [event], stream_id=exchange_id, expected_version=NO_STREAM, metadata=METADATA)],
            )
        return exchange_id

    async def command(self, payment_id: PaymentId, command: PaymentCommand) -> None:
        async with self._pool.connection() as conn, conn.transaction():
            await command_payment(ConnectionLog(conn), payment_id, command, METADATA)

    async def pay(self, payment_id: PaymentId) -> None:
        state = await self._payment(payment_id)
        await self.command(
            payment_id,
            RecordSucceeded(
                intent_id=StripeIntentId(f"pi_{payment_id.hex}"),
                amount_captured=state.amount,
                charge_id=StripeChargeId(f"ch_{payment_id.hex}"),
            ),
        )

    async def refund(self, payment_id: PaymentId) -> None:
        ((refund_id, _),) = (await self._payment(payment_id)).refunds.items()
        await self.command(
            payment_id, RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=StripeRefundId("re_1"))
        )

    async def carry_on(self, *stream_ids: UUID) -> None:
        """Deliver what happened, and step what is due."""
        await self.deliver(*stream_ids)
        await self.run_due()

    async def deliver(self, *stream_ids: UUID) -> None:
        async with self._pool.connection() as conn, conn.transaction():
            events = [event for stream_id in stream_ids for event in await load(conn, stream_id)]
            await waking(self._sagas)(conn, [Delivered(event=event, previous_position=0) for event in events])

    async def run_due(self) -> None:
        while await SagaRunner(self._pool, self._sagas).run_due():
            pass

    async def status(self, exchange_id: UUID) -> str:
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT status FROM consumers.sagas WHERE saga_id = %s", [exchange_id])
            ((status,),) = await cursor.fetchall()
        return str(status)

    async def _payment(self, payment_id: PaymentId) -> Any:
        async with self._pool.connection() as conn:
            return (await load_payment(conn, payment_id)).state


async def test_the_old_payment_is_refunded_once_the_new_one_succeeded(pool: Pool, example: Mapping[str, Any]) -> None:
    exchanges, old, new = Exchanges(pool, example), PaymentId(uuid4()), PaymentId(uuid4())
    for payment_id in (old, new):
        await exchanges.command(payment_id, request_payment(payment_id))
    await exchanges.pay(old)
    exchange_id = await exchanges.request(old, new)
    streams = (exchange_id, old, new)
    await exchanges.carry_on(*streams)
    assert await exchanges.status(exchange_id) == "running"
    await exchanges.pay(new)
    await exchanges.carry_on(*streams)
    await exchanges.carry_on(*streams)  # what is delivered again requests no second refund
    await exchanges.refund(old)
    await exchanges.carry_on(*streams)
    assert await exchanges.status(exchange_id) == "completed"


async def test_nothing_is_refunded_when_the_new_payment_fails(pool: Pool, example: Mapping[str, Any]) -> None:
    exchanges, old, new = Exchanges(pool, example), PaymentId(uuid4()), PaymentId(uuid4())
    for payment_id in (old, new):
        await exchanges.command(payment_id, request_payment(payment_id))
    await exchanges.pay(old)
    await exchanges.command(new, RecordPaymentFailed(code="resource_missing", message="No such method."))
    exchange_id = await exchanges.request(old, new)
    await exchanges.carry_on(exchange_id, old, new)
    assert await exchanges.status(exchange_id) == "compensated"


async def test_what_happens_during_the_first_step_is_not_missed(
    pool: Pool, example: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step has read the payment, and nobody can see yet that the payment concerns the saga."""
    exchanges, old, new = Exchanges(pool, example), PaymentId(uuid4()), PaymentId(uuid4())
    for payment_id in (old, new):
        await exchanges.command(payment_id, request_payment(payment_id))
    await exchanges.pay(old)
    exchange_id = await exchanges.request(old, new)
    await exchanges.deliver(exchange_id)

    async def write_late(conn: Connection, participants: Mapping[UUID, Collection[UUID]]) -> None:
        await exchanges.pay(new)
        await exchanges.deliver(new)
        await add_participants(conn, participants)

    with monkeypatch.context() as patched:
        patched.setattr("consumers.saga.runner.add_participants", write_late)
        assert await SagaRunner(pool, by_kind([example["EXCHANGES"]])).run_due() == 1
    await exchanges.run_due()
    await exchanges.refund(old)
    await exchanges.carry_on(old)
    assert await exchanges.status(exchange_id) == "completed"


def test_the_page_shows_the_code_that_is_run_here() -> None:
    assert EXAMPLE.read_text("utf-8") in (EXAMPLE.parents[1] / "sagas.md").read_text("utf-8")
