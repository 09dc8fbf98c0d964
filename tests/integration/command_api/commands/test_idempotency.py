"""One key, one effect, one answer: with Redis, without it, and when it has forgotten everything."""

import asyncio
from collections import Counter

import httpx
import pytest
from redis.asyncio import Redis

from domain.ids import StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.observations import RecordAuthorized, RecordIntentCreated
from domain.payment.values import PaymentStatus
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool
from tests.integration.command_api.running_api import OTHER_API_KEY, Running, running
from tests.support.waiting import answered

pytestmark = pytest.mark.integration


def assert_replay_of(replay: httpx.Response, original: httpx.Response) -> None:
    assert replay.content == original.content
    assert replay.status_code == original.status_code
    assert replay.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in original.headers


async def test_a_repeated_create_is_answered_byte_for_byte_from_redis(api: Running) -> None:
    original = await api.create("k-1")
    assert original.status_code == 201
    assert list(original.json()) == [
        "id",
        "user_id",
        "amount_cents",
        "currency",
        "status",
        "stripe_payment_intent_id",
        "idempotency_key",
        "created_at",
        "customer",
        "statement_descriptor_suffix",
        "last_error",
        "next_action",
        "position",
    ]
    assert original.json()["status"] == "pending"
    assert original.json()["idempotency_key"] == original.headers["idempotency-key"] == "k-1"
    assert_replay_of(await api.create("k-1"), original)
    assert_replay_of(await api.create('"k-1"'), original)
    assert await api.count("events") == 1


async def test_a_repeat_is_answered_byte_for_byte_when_redis_forgot_everything(
    api: Running, valkey: ValkeyServer
) -> None:
    original = await api.create("k-1", metadata={"z": "1", "a": "2"})
    await valkey.flush()
    assert_replay_of(await api.create("k-1", metadata={"a": "2", "z": "1"}), original)
    assert_replay_of(await api.create("k-1", metadata={"a": "2", "z": "1"}), original)
    assert await api.count("events") == 1


async def test_a_refund_already_applied_is_replayed_instead_of_refused(api: Running, valkey: ValkeyServer) -> None:
    path = f"/payments/{await api.succeeded()}/refund"
    original = await api.post(path, {"amount_cents": 100}, "k-2")
    assert original.status_code == 202
    assert list(original.json()) == [
        "payment_id",
        "refund_id",
        "stripe_refund_id",
        "status",
        "amount_cents",
        "reason",
        "error",
        "position",
    ]
    assert_replay_of(await api.post(path, {"amount_cents": 100}, "k-2"), original)
    await valkey.flush()
    assert_replay_of(await api.post(path, {"amount_cents": 100}, "k-2"), original)
    await valkey.stop()
    assert_replay_of(await api.post(path, {"amount_cents": 100}, "k-2"), original)


async def test_a_key_of_another_request_is_refused(api: Running, valkey: ValkeyServer) -> None:
    created = await api.create("k-1")
    path = f"/payments/{created.json()['id']}"
    for _ in range(2):
        for response in (
            await api.create("k-1", amount_cents=101),
            await api.post(f"{path}/cancel", None, "k-1"),
            await api.post(f"{path}/confirm", None, "k-1"),
        ):
            assert response.status_code == 422
            assert response.json()["code"] == "idempotency_key_reused"
        await valkey.flush()
    assert await api.count("events") == 1


async def test_a_key_belongs_to_its_merchant(api: Running) -> None:
    ours = await api.create("k-1")
    theirs = await api.client.post(
        "/payments",
        json={"user_id": "user_1", "amount_cents": 100, "currency": "USD"},
        headers={"Authorization": f"Bearer {OTHER_API_KEY}", "Idempotency-Key": "k-1"},
    )
    assert theirs.status_code == 201
    assert theirs.json()["id"] != ours.json()["id"]
    their_refund = await api.client.post(
        f"/payments/{ours.json()['id']}/refund", headers={"Authorization": f"Bearer {OTHER_API_KEY}"}
    )
    assert their_refund.status_code == 404
    assert their_refund.json()["code"] == "payment_not_found"


async def test_what_is_refused_leaves_its_key_free(api: Running) -> None:
    payment = (await api.create()).json()["id"]
    invalid = await api.create("k-1", amount_cents=10.5)
    too_small = await api.create("k-1", amount_cents=1)
    not_refundable = await api.post(f"/payments/{payment}/refund", None, "k-1")
    assert [invalid.status_code, too_small.status_code, not_refundable.status_code] == [422, 422, 409]
    assert not_refundable.json()["payment_status"] == "pending"
    assert not_refundable.headers["idempotency-key"] == "k-1"
    assert await api.count("idempotency_keys") == 1
    assert (await api.create("k-1")).status_code == 201


async def fifty_creates(*apis: Running) -> list[httpx.Response]:
    return await asyncio.gather(*(apis[number % len(apis)].create("k-50") for number in range(50)))


async def test_fifty_creates_with_one_key_make_one_payment_with_redis(api: Running) -> None:
    answers = await fifty_creates(api)
    by_status = Counter(answer.status_code for answer in answers)
    assert set(by_status) <= {201, 409}
    assert by_status[201] >= 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_key_in_use"
            assert answer.headers["retry-after"] == "1"
    bodies = {answer.content for answer in answers if answer.status_code == 201}
    assert len(bodies) == 1
    assert (await api.create("k-50")).content == bodies.pop()
    assert await api.count("events") == 1


async def test_fifty_creates_with_one_key_make_one_payment_without_redis(
    pool: Pool, redis: Redis, valkey: ValkeyServer
) -> None:
    await valkey.stop()
    async with running(pool, redis) as one, running(pool, redis) as other:
        answers = await fifty_creates(one, other)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
        assert await one.count("events") == 1


async def test_fifty_refunds_with_one_key_make_one_refund_without_redis(
    pool: Pool, redis: Redis, valkey: ValkeyServer
) -> None:
    await valkey.stop()
    async with running(pool, redis) as one, running(pool, redis) as other:
        path = f"/payments/{await one.succeeded()}/refund"
        answers = await asyncio.gather(
            *((one, other)[number % 2].post(path, {"amount_cents": 60}, "k-50") for number in range(50))
        )
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("with_redis", [True, False])
async def test_of_two_refunds_of_60_on_100_one_is_refused(api: Running, valkey: ValkeyServer, with_redis: bool) -> None:
    payment_id = await api.succeeded()
    if not with_redis:
        await valkey.stop()
    path = f"/payments/{payment_id}/refund"
    answers = await asyncio.gather(*(api.post(path, {"amount_cents": 60}) for _ in range(2)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (202, 422)
    assert lost.headers["content-type"] == "application/problem+json"
    assert lost.json()["code"] == "refund_amount_exceeds_refundable"
    assert lost.json()["amount_refundable_cents"] == 40
    assert (await api.state(payment_id)).amount_refund_pending.amount_cents == 60


@pytest.mark.slow
async def test_thirty_refunds_at_once_never_exceed_the_charge(api: Running) -> None:
    payment_id = await api.succeeded(amount_cents=200)

    async def refund(number: int) -> httpx.Response:
        path, key = f"/payments/{payment_id}/refund", f"refund-{number}"
        return await answered(lambda: api.post(path, {"amount_cents": 10}, key))

    answers = await asyncio.gather(*(refund(number) for number in range(30)))
    by_status = Counter(answer.status_code for answer in answers)
    assert by_status == {202: 20, 422: 10}
    assert (await api.state(payment_id)).amount_refundable.amount_cents == 0


async def test_of_capture_and_cancel_at_once_one_is_accepted(api: Running) -> None:
    created = (await api.create(capture_method="manual")).json()
    await api.record(
        created["id"],
        RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_CONFIRMATION),
        RecordAuthorized(
            intent_id=StripeIntentId("pi_1"),
            amount=Money(amount_cents=100, currency="USD"),
            charge_id=StripeChargeId("ch_1"),
            capture_before=None,
        ),
    )
    path = f"/payments/{created['id']}"
    answers = await asyncio.gather(api.post(f"{path}/capture"), api.post(f"{path}/cancel"))
    assert sorted(answer.status_code for answer in answers) == [202, 409]
