"""Deciding again when others were faster, and going on when the client does not."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from command_api.admission import Admission
from command_api.commands.client_operation import ClientOperation
from command_api.commands.executor import CommandExecutor, CommandRequest
from command_api.commands.response_cache import InFlight
from command_api.errors import KeyInUse, KeyReused, Overloaded, PaymentBusy, PaymentNotFound
from command_api.fakes import MemoryResponseCache
from command_api.payments.operations import Cancel, Confirm, Create, RefundPayment
from command_api.payments.subject import PAYMENTS
from domain.ids import (
    AttemptId,
    MerchantId,
    PaymentId,
    RefundId,
    RequestId,
    StripeChargeId,
    StripeIntentId,
    StripeRefundId,
)
from domain.money import Money
from domain.payment.errors import PaymentNotCancelable
from domain.payment.observations import (
    PaymentObservation,
    RecordAttemptFailed,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import PaymentStatus
from event_store.appends import Append, AppendResult, VersionConflict
from event_store.fakes import MemoryEventLog
from event_store.payments import command_payment
from infra.ids import uuid7
from infra.postgres.pool import DatabaseUnavailable
from schemas.http.payments import CancelPaymentBody, ConfirmPaymentBody, CreatePaymentBody, RefundPaymentBody
from tests.support.log_entries import MERCHANT, metadata

BODY = CreatePaymentBody.model_validate({"user_id": "u", "amount_cents": 1000, "currency": "USD"})


def command_request(operation: ClientOperation, key: str = "k-1", merchant_id: MerchantId = MERCHANT) -> CommandRequest:
    return CommandRequest(
        operation=operation,
        opens_stream=isinstance(operation, Create),
        merchant_id=merchant_id,
        idempotency_key=key,
        fingerprint=operation.name,
        metadata=metadata(merchant_id=merchant_id),
    )


def create(key: str = "k-1") -> CommandRequest:
    request = Create(payment_id=PaymentId(uuid7()), merchant_id=MERCHANT, idempotency_key=key, request=BODY)
    return command_request(request, key)


def cancel(payment_id: PaymentId, key: str = "k-2", merchant_id: MerchantId = MERCHANT) -> CommandRequest:
    operation = Cancel(payment_id=payment_id, request_id=RequestId(uuid.uuid4()), request=CancelPaymentBody())
    return command_request(operation, key, merchant_id)


def confirm(payment_id: PaymentId, key: str) -> CommandRequest:
    return command_request(
        Confirm(payment_id=payment_id, request=ConfirmPaymentBody(payment_method="pm_card_visa")), key
    )


def refund(payment_id: PaymentId, key: str) -> CommandRequest:
    request = RefundPaymentBody(amount_cents=400)
    return command_request(RefundPayment(payment_id=payment_id, refund_id=RefundId(uuid7()), request=request), key)


class Interrupted(MemoryEventLog):
    """A store in which `before` happens ahead of each append."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[Append], Awaitable[AppendResult | None]] | None = None

    async def append(self, item: Append) -> AppendResult:
        if self.before is not None and (result := await self.before(item)) is not None:
            return result
        return await super().append(item)


def executor(store: MemoryEventLog, cache: MemoryResponseCache | None = None, timeout_s: float = 5) -> CommandExecutor:
    return CommandExecutor(cache=cache or MemoryResponseCache(), log=store, timeout_s=timeout_s, subject=PAYMENTS)


async def test_a_command_that_lost_a_race_is_decided_again_and_may_be_refused() -> None:
    store = Interrupted()
    commands = executor(store)
    payment_id = PaymentId((await commands.execute(create())).operation.stream_id)

    async def fails_meanwhile(_: Append) -> None:
        store.before = None
        await observe(store, payment_id, RecordPaymentFailed(code="amount_too_small", decline_code=None, message="No."))

    store.before = fails_meanwhile
    with pytest.raises(PaymentNotCancelable):
        await commands.execute(cancel(payment_id))


async def test_a_command_that_always_loses_gives_up() -> None:
    store = Interrupted()
    commands = executor(store)
    payment_id = PaymentId((await commands.execute(create())).operation.stream_id)

    async def conflict(_: Append) -> AppendResult:
        return VersionConflict(actual_version=9)

    store.before = conflict
    with pytest.raises(PaymentBusy):
        await commands.execute(cancel(payment_id))
    store.before = None
    assert not (await commands.execute(cancel(payment_id))).replayed


async def test_a_command_goes_on_when_its_client_does_not() -> None:
    store, cache, begun, go_on = Interrupted(), MemoryResponseCache(), asyncio.Event(), asyncio.Event()

    async def wait(_: Append) -> None:
        begun.set()
        await go_on.wait()

    store.before = wait
    commands, request = executor(store, cache), create()
    waiting = asyncio.create_task(commands.execute(request))
    await begun.wait()
    assert await cache.claim(MERCHANT, "k-1") == InFlight()
    with pytest.raises(KeyInUse):
        await commands.execute(create())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await commands.close()
    replay = await executor(store, cache).execute(create())
    assert replay.replayed
    assert replay.operation.stream_id == request.operation.stream_id


async def test_a_command_not_recorded_in_time_is_unavailable_and_may_be_repeated() -> None:
    store, go_on = Interrupted(), asyncio.Event()

    async def wait(_: Append) -> None:
        await go_on.wait()

    store.before = wait
    commands = executor(store, timeout_s=0.02)
    with pytest.raises(DatabaseUnavailable):
        await commands.execute(create())
    go_on.set()
    await commands.close()
    assert len(store.streams) == 1


async def test_an_error_of_the_store_releases_the_key() -> None:
    store = Interrupted()

    async def away(_: Append) -> None:
        raise DatabaseUnavailable("gone")

    store.before = away
    commands = executor(store)
    with pytest.raises(DatabaseUnavailable):
        await commands.execute(create())
    store.before = None
    assert not (await commands.execute(create())).replayed


async def test_anothers_payment_is_not_found_and_anothers_key_is_refused() -> None:
    store = MemoryEventLog()
    commands = executor(store)
    payment_id = PaymentId((await commands.execute(create())).operation.stream_id)
    with pytest.raises(PaymentNotFound):
        await commands.execute(cancel(payment_id, merchant_id=MerchantId("another")))
    with pytest.raises(KeyReused):
        await commands.execute(cancel(payment_id, key="k-1"))
    with pytest.raises(KeyReused):
        await executor(store).execute(cancel(payment_id, key="k-1"))


async def test_a_command_that_changes_nothing_is_remembered_as_any() -> None:
    """Else its key would be a new command later: a second attempt on the card."""
    store, cache = MemoryEventLog(), MemoryResponseCache()
    payment_id = PaymentId((await executor(store).execute(create())).operation.stream_id)
    await observe(
        store,
        payment_id,
        RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION),
    )
    await executor(store).execute(confirm(payment_id, "k-2"))
    under_way = await executor(store, cache).execute(confirm(payment_id, "k-3"))
    assert (under_way.replayed, len(store.streams[payment_id])) == (False, 3), "it is under way already"
    declined = RecordAttemptFailed(
        intent_id=StripeIntentId("pi_1"), attempt_id=AttemptId("ch_1"), code="c", decline_code=None, message="No."
    )
    await observe(store, payment_id, declined)
    for commands in (executor(store, cache), executor(store)):  # Redis may have forgotten everything
        again = await commands.execute(confirm(payment_id, "k-3"))
        assert (again.replayed, again.body, again.position) == (True, under_way.body, under_way.position)
        with pytest.raises(KeyReused):
            await commands.execute(replace(confirm(payment_id, "k-3"), fingerprint="another body"))
    assert len(store.streams[payment_id]) == 4
    await executor(store).execute(confirm(payment_id, "k-4"))
    assert len(store.streams[payment_id]) == 5, "another key is another attempt"


async def observe(store: MemoryEventLog, payment_id: PaymentId, observation: PaymentObservation) -> None:
    await command_payment(store, payment_id, observation, metadata())


async def test_an_answer_that_was_lost_is_made_again_from_the_events() -> None:
    """A failover lost the records, and Kafka gave back the events and who they were for, but no answers."""
    store = MemoryEventLog()
    before = executor(store)
    created = await before.execute(create())
    payment_id = PaymentId(created.operation.stream_id)
    paid = Money(amount_cents=1000, currency="USD")
    await observe(
        store,
        payment_id,
        RecordSucceeded(intent_id=StripeIntentId("pi_1"), amount_captured=paid, charge_id=StripeChargeId("ch_1")),
    )
    refunded = await before.execute(refund(payment_id, "k-2"))
    store.lose_responses()
    refund_id = RefundId(uuid.UUID(refunded.body["refund_id"]))
    await observe(
        store, payment_id, RecordRefundSucceeded(refund_id=refund_id, stripe_refund_id=StripeRefundId("re_1"))
    )
    after = executor(store)
    replays = await after.execute(create()), await after.execute(refund(payment_id, "k-2"))
    for original, again in zip((created, refunded), replays, strict=True):
        assert again.replayed
        assert (again.body, again.status, again.position) == (original.body, original.status, original.position)


async def test_beyond_the_limit_a_command_is_refused_at_once_and_later_taken() -> None:
    store = Interrupted()
    commands = CommandExecutor(cache=MemoryResponseCache(), log=store, admission=Admission("test", 2), subject=PAYMENTS)
    held = asyncio.Event()

    async def hold(_: Append) -> None:
        await held.wait()

    store.before = hold
    under_way = [asyncio.create_task(commands.execute(create(f"key-{number}"))) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await commands.execute(create("key-9"))
    held.set()
    await asyncio.gather(*under_way)
    assert (await commands.execute(create("key-9"))).status == 201
    await commands.close()
