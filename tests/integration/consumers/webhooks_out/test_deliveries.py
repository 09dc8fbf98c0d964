"""What a merchant's server gets: signed, in order, at least once; and what becomes of a server that fails."""

import asyncio
import base64
import hashlib
import hmac
from collections import Counter
from datetime import datetime, timedelta

import psycopg
import pytest
from aiohttp import web

from consumers.webhooks_out.store import count_due, remove_old
from domain.ids import MerchantId, PaymentId
from event_store.payments import load_payment
from event_store.privacy.attached import attach
from event_store.privacy.erase import Order, erase
from event_store.store import append
from infra.webhooks_out import deliveries, endpoints
from infra.webhooks_out.endpoints import EndpointWithSecret
from infra.webhooks_out.rotation import MOST_SECRETS, TooManySecrets
from infra.webhooks_out.secret_box import SecretBox
from schemas.http.times import timestamp
from tests.integration.consumers.webhooks_out.webhook_bench import BOX, LIFE, MERCHANT, Bench
from tests.support.personal_payments import DESCRIPTION, EMAIL, SUBJECT, a_payment, known_to_stripe
from tests.support.personal_payments import MERCHANT as PERSONS_MERCHANT
from tests.support.vaults import METADATA_KEYS, open_test_vault
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Received, Receiver
from tests.unit.docs.webhook_examples import load_python_example

pytestmark = pytest.mark.integration

EXAMPLE = load_python_example()


def signature(secret: str, message: Received) -> str:
    """Sign as the specification says, by hand."""
    signed = b".".join([message.id.encode(), message.headers["webhook-timestamp"].encode(), message.body])
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def fails_until(attempts: int) -> object:
    """Answer 500 to so many attempts of each message, then 200."""
    seen: Counter[str] = Counter()

    def answer(message: Received) -> web.Response:
        seen[message.id] += 1
        return web.Response(status=500 if seen[message.id] <= attempts else 200, text="no")

    return answer


async def test_payments_are_delivered_in_order_and_signed(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    payments = [await bench.pay() for _ in range(5)]
    await bench.take()
    async with bench.delivering():
        await bench.all_become("delivered")
    for payment_id in payments:
        assert receiver.types(payment_id) == LIFE
    assert receiver.most_in_flight == 1
    for message in receiver.received:
        assert message.headers["webhook-signature"] == signature(made.secret, message)
        assert message.headers["content-type"] == "application/json"
        assert {"type", "timestamp", "data", "payment_id"} <= message.json.keys()
    assert len({each.id for each in receiver.received}) == len(LIFE) * len(payments)


async def test_a_merchant_gets_personal_data_in_clear_until_it_is_erased(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint(receiver.url, merchant_id=PERSONS_MERCHANT)
    async with open_test_vault(bench.database) as vault:
        async with bench.pool.connection() as conn:
            attach(conn, vault)
            item = a_payment()
            await append(conn, [item])
            payment = await load_payment(conn, PaymentId(item.stream_id))
            await append(conn, [known_to_stripe(payment, item.stream_id)])
        await bench.take()
        async with bench.delivering(vault=vault):
            await bench.all_become("delivered")
        assert receiver.received[0].json["data"]["description"] == DESCRIPTION

        receiver.received.clear()
        async with await psycopg.AsyncConnection.connect(bench.database.url("erasure"), autocommit=True) as officer:
            await erase(
                officer, Order(subject=SUBJECT, actor="officer", reason="by letter"), metadata_keys=METADATA_KEYS
            )
        async with bench.pool.connection() as conn:
            await conn.execute("UPDATE webhooks_out.deliveries SET status = 'due', due_at = now(), finished_at = NULL")
        async with bench.delivering(vault=vault):
            await bench.all_become("delivered")
        first = next(each for each in receiver.received if each.json["type"] == "payment.requested")
        assert first.json["data"]["description"] == "[erased]"
        assert EMAIL not in str([each.json for each in receiver.received])


async def test_what_the_log_has_in_clear_is_not_sent_once_it_is_erased(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint(receiver.url, merchant_id=PERSONS_MERCHANT)
    receiver.answer = lambda _: web.Response(text=f"thank you, {EMAIL}")
    async with bench.pool.connection() as conn:
        item = a_payment()
        await append(conn, [item])  # before personal data was encrypted
        payment = await load_payment(conn, PaymentId(item.stream_id))
        await append(conn, [known_to_stripe(payment, item.stream_id)])
    await bench.take()
    async with bench.delivering():
        await bench.all_become("delivered")
    assert receiver.received[0].json["data"]["description"] == DESCRIPTION
    assert EMAIL in str(await bench.rows("SELECT answer FROM webhooks_out.attempts"))

    receiver.received.clear()
    async with await psycopg.AsyncConnection.connect(bench.database.url("erasure"), autocommit=True) as officer:
        order = Order(subject=SUBJECT, actor="officer", reason="by letter")
        await erase(officer, order, metadata_keys=METADATA_KEYS)
    async with bench.pool.connection() as conn:
        await conn.execute("UPDATE webhooks_out.deliveries SET status = 'due', due_at = now(), finished_at = NULL")
    async with bench.delivering():
        await bench.all_become("delivered")
    first = next(each for each in receiver.received if each.json["type"] == "payment.requested")
    assert (first.json["data"]["description"], first.json["data"]["metadata"]["order"]) == ("[erased]", "A-1001")
    assert not [each for each in (EMAIL, DESCRIPTION) if each in str([one.json for one in receiver.received])]
    assert EMAIL not in str(await bench.rows("SELECT answer FROM webhooks_out.attempts")), "it may repeat what it had"


async def test_what_fails_is_tried_again_and_holds_back_what_follows(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint(receiver.url)
    receiver.answer = fails_until(2)  # type: ignore[assignment]
    payment_id = await bench.pay()
    await bench.take()
    async with bench.delivering():
        await bench.all_become("delivered")
    assert receiver.types(payment_id) == [each for each in LIFE for _ in range(3)]
    logged = await bench.rows("SELECT status, error, answer FROM webhooks_out.attempts ORDER BY attempt_id LIMIT 3")
    assert logged == [(500, "answered 500", "no"), (500, "answered 500", "no"), (200, None, "no")]


async def test_what_never_succeeds_is_given_up_and_the_next_goes_on(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint(receiver.url)
    payment_id = await bench.pay()
    receiver.answer = lambda message: web.Response(status=500 if message.json["type"] == LIFE[0] else 204)
    await bench.take()
    async with bench.delivering(pauses_s=(0.0, 0.0)):
        await eventually(bench.statuses, lambda found: found == ["failed", "delivered", "delivered", "delivered"])
    assert receiver.types(payment_id) == [LIFE[0], LIFE[0], *LIFE]


async def test_a_server_that_does_not_answer_holds_up_nobody_else(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint("http://127.0.0.1:1/nobody", merchant_id="merchant_2")
    await bench.endpoint(receiver.url)
    for merchant_id in (MerchantId("merchant_2"), MERCHANT):
        for _ in range(10):
            await bench.pay(merchant_id=merchant_id)
    await bench.take()
    async with bench.delivering(pauses_s=(3600,)):
        await eventually(lambda: _count(receiver), lambda found: found == 10 * len(LIFE))
    errors = await bench.rows("SELECT DISTINCT status, answer, error FROM webhooks_out.attempts WHERE status IS NULL")
    assert [(status, answer) for status, answer, _ in errors] == [(None, None)]


async def _count(receiver: Receiver) -> int:
    return len(receiver.received)


async def test_a_delivery_whose_worker_ended_is_made_again(bench: Bench, receiver: Receiver) -> None:
    """Of a worker that is killed nothing is left but its lease."""
    await bench.endpoint(receiver.url)
    payment_id = await bench.pay()
    await bench.take()
    receiver.released.clear()
    async with bench.delivering(lease_ms=300) as workers:
        await eventually(lambda: _count(receiver), lambda found: found == 1)
        workers._make = _vanish
        await eventually(lambda: _leases(bench), lambda found: found == 1)
        for running in set(workers._running):
            running.cancel()
    receiver.released.set()
    async with bench.delivering():
        await bench.all_become("delivered")
    assert receiver.types(payment_id)[-len(LIFE) :] == LIFE
    assert receiver.types(payment_id)[0] == LIFE[0]


async def _vanish(*_: object) -> None:
    await asyncio.Event().wait()


async def _leases(bench: Bench) -> int:
    return (await bench.statuses()).count("leased")


async def test_an_endpoint_that_fails_for_long_is_disabled_with_an_event(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    receiver.answer = lambda _: web.Response(status=503)
    await bench.pay()
    await bench.take()
    async with bench.delivering(disable_after_s=0.0, pauses_s=(0.01,) * 50):
        await eventually(lambda: bench.events_of(made.endpoint.endpoint_id), bool)
    (event,) = await bench.events_of(made.endpoint.endpoint_id)
    assert event.type == "webhook_endpoint.disabled"
    assert event.metadata.merchant_id == MERCHANT
    assert b'"because":"failing"' in event.data.replace(b" ", b"")
    attempts = len(receiver.received)
    async with bench.pool.connection() as conn:
        found = await endpoints.find(conn, made.endpoint.endpoint_id, merchant_id=MERCHANT)
    assert found is not None
    assert (found.enabled, found.disabled_because) == (False, "failing")
    await bench.pay()
    await bench.take()
    async with bench.delivering():
        await asyncio.sleep(0)
    assert len(receiver.received) == attempts
    assert len(await bench.statuses()) == len(LIFE)


async def test_an_endpoint_that_is_gone_is_disabled_at_once(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    receiver.answer = lambda _: web.Response(status=410)
    await bench.pay()
    await bench.take()
    async with bench.delivering():
        await eventually(lambda: bench.events_of(made.endpoint.endpoint_id), bool)
    assert len(receiver.received) == 1


async def test_what_the_address_before_answers_is_not_held_against_the_new(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    receiver.answer = lambda _: web.Response(status=410 if len(receiver.received) == 1 else 200)
    receiver.released.clear()

    async def is_at_the_first() -> bool:
        return bool(receiver.received)

    payment_id = await bench.pay()
    await bench.take()
    async with bench.delivering():
        await eventually(is_at_the_first)
        await bench.change(made, url=f"{receiver.url}?moved")
        receiver.released.set()
        await bench.all_become("delivered")
    assert receiver.types(payment_id) == [LIFE[0], *LIFE]
    assert await bench.events_of(made.endpoint.endpoint_id) == []
    async with bench.pool.connection() as conn:
        found = await endpoints.find(conn, made.endpoint.endpoint_id, merchant_id=MERCHANT)
    assert found is not None
    assert (found.enabled, found.failing_since, found.failures) == (True, None, 0)


async def test_an_endpoint_that_moves_begins_without_failures(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    receiver.answer = lambda _: web.Response(status=503)
    await bench.pay()
    await bench.take()
    async with bench.delivering(pauses_s=(3600.0,)):
        await eventually(lambda: bench.rows("SELECT FROM webhooks_out.endpoints WHERE failures = 1"), bool)
    for url, failures in ((receiver.url, 1), (f"{receiver.url}?moved", 0)):
        await bench.change(made, url=url)
        assert await bench.rows("SELECT failures, failing_since IS NULL FROM webhooks_out.endpoints") == [
            (failures, failures == 0)
        ]


async def test_a_success_ends_a_failure(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    receiver.answer = fails_until(1)  # type: ignore[assignment]
    await bench.pay()
    await bench.take()
    async with bench.delivering():
        await bench.all_become("delivered")
    async with bench.pool.connection() as conn:
        found = await endpoints.find(conn, made.endpoint.endpoint_id, merchant_id=MERCHANT)
    assert found is not None
    assert (found.failing_since, found.failures) == (None, 0)


async def rotate(bench: Bench, made: EndpointWithSecret, *, overlap_s: int = 3600, end_previous: bool = False) -> str:
    async with bench.pool.connection() as conn:
        rotated = await endpoints.rotate_secret(
            conn,
            BOX,
            made.endpoint.endpoint_id,
            merchant_id=MERCHANT,
            overlap_s=overlap_s,
            end_previous=end_previous,
        )
    assert rotated is not None
    return rotated.secret


async def delivered_anew(bench: Bench, receiver: Receiver) -> list[Received]:
    receiver.received.clear()
    await bench.pay()
    await bench.take((await bench.log())[-len(LIFE) :])
    async with bench.delivering():
        await bench.all_become("delivered")
    assert len(receiver.received) == len(LIFE)
    return receiver.received


async def check_signed_by(bench: Bench, receiver: Receiver, *secrets: str) -> None:
    """Check that what is sent from now on is signed by each of these and no other, the newest first."""
    for message in await delivered_anew(bench, receiver):
        given = message.headers["webhook-signature"].split()
        assert given[0] == signature(secrets[0], message)
        assert sorted(given) == sorted(signature(secret, message) for secret in secrets)


async def test_every_secret_signs_whatever_rotations_come_between(bench: Bench, receiver: Receiver) -> None:
    """The answer to a rotation was lost, and the merchant rotated again: its receivers have the first secret."""
    made = await bench.endpoint(receiver.url)
    lost = await rotate(bench, made)
    third = await rotate(bench, made)
    await check_signed_by(bench, receiver, third, lost, made.secret)
    for message in receiver.received:
        assert EXAMPLE.verify(made.secret, message.headers, message.body) == message.json


async def test_a_secret_signs_until_its_own_overlap_is_over(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    second = await rotate(bench, made, overlap_s=7 * 86_400)
    third = await rotate(bench, made, overlap_s=3600)
    await bench.let_pass(hours=2)
    await check_signed_by(bench, receiver, third, made.secret)
    fourth = await rotate(bench, made, overlap_s=0)
    await check_signed_by(bench, receiver, fourth, made.secret)
    await bench.let_pass(hours=7 * 24)
    await check_signed_by(bench, receiver, fourth)
    assert second not in {third, fourth}
    async with bench.pool.connection() as conn:
        await remove_old(conn, retention_s=3600)
    assert await bench.rows("SELECT * FROM webhooks_out.previous_secrets") == []


async def test_previous_secrets_end_when_that_is_said(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    second = await rotate(bench, made)
    third = await rotate(bench, made, end_previous=True)
    await check_signed_by(bench, receiver, third, second)
    fourth = await rotate(bench, made, overlap_s=0, end_previous=True)
    await check_signed_by(bench, receiver, fourth)


async def test_of_rotations_at_once_none_loses_a_secret(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    outcomes = await asyncio.gather(*(rotate(bench, made) for _ in range(MOST_SECRETS + 3)), return_exceptions=True)
    given_out = [each for each in outcomes if isinstance(each, str)]
    assert [type(each) for each in outcomes if not isinstance(each, str)] == [TooManySecrets] * 4
    for message in await delivered_anew(bench, receiver):
        signatures = message.headers["webhook-signature"].split()
        assert sorted(signatures) == sorted(signature(secret, message) for secret in (made.secret, *given_out))


async def test_a_worker_of_the_version_before_signs_by_two(bench: Bench) -> None:
    """It reads these columns alone: the newest secret, and the last one replaced that still signs."""
    made = await bench.endpoint("https://shop.example/webhooks")

    async def read() -> list[str]:
        ((newest, previous),) = await bench.rows("SELECT secret, previous_secret FROM webhooks_out.endpoints")
        return [BOX.decrypt(each, endpoint_id=made.endpoint.endpoint_id) for each in (newest, previous)]

    second = await rotate(bench, made, overlap_s=7200)
    third = await rotate(bench, made, overlap_s=3600)
    assert await read() == [third, second]
    fourth = await rotate(bench, made, overlap_s=0)
    assert await read() == [fourth, made.secret]


async def test_a_deleted_endpoint_has_no_secrets(bench: Bench) -> None:
    made = await bench.endpoint("https://shop.example/webhooks")
    await rotate(bench, made)
    async with bench.pool.connection() as conn:
        assert await endpoints.delete(conn, made.endpoint.endpoint_id, merchant_id=MERCHANT)
    assert await bench.rows("SELECT * FROM webhooks_out.previous_secrets") == []
    assert await bench.rows("SELECT previous_secret, secret FROM webhooks_out.endpoints") == [(None, b"")]


async def test_a_delivery_is_resent_by_hand_under_the_same_id(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint(receiver.url)
    await bench.pay()
    await bench.take()
    async with bench.delivering():
        await bench.all_become("delivered")
        before = [each.id for each in receiver.received]
        async with bench.pool.connection() as conn:
            (newest, *_) = await deliveries.list_deliveries(conn, merchant_id=MERCHANT)
            assert await deliveries.resend(conn, newest.delivery_id, merchant_id="another") is None
            assert await deliveries.resend(conn, newest.delivery_id, merchant_id=MERCHANT) is True
        await eventually(lambda: _count(receiver), lambda found: found == len(before) + 1)
        await bench.all_become("delivered")
    assert receiver.received[-1].id == before[-1] == str(newest.event_id)


async def test_a_time_is_replayed_also_from_before_the_endpoint(bench: Bench, receiver: Receiver) -> None:
    early = await bench.pay()
    await bench.pay(merchant_id=MerchantId("merchant_2"))
    made = await bench.endpoint(receiver.url)
    late = await bench.pay()
    await bench.take()
    events = await bench.log()
    async with bench.delivering():
        await bench.all_become("delivered")
        assert receiver.types(early) == []
        async with bench.pool.connection() as conn:
            await deliveries.request_replay(
                conn,
                endpoint_id=made.endpoint.endpoint_id,
                from_at=events[0].recorded_at,
                until_at=events[-1].recorded_at - timedelta(microseconds=1),
                actor="operator:test",
            )
        await eventually(lambda: _replayed(bench), lambda found: found == [(2 * len(LIFE) - 1,)])
        await eventually(lambda: _count(receiver), lambda found: found == 3 * len(LIFE) - 1)
        await bench.all_become("delivered")
    assert receiver.types(early) == LIFE
    assert receiver.types(late) == LIFE + LIFE[:-1]


async def _replayed(bench: Bench) -> list[tuple[int, ...]]:
    return await bench.rows("SELECT deliveries FROM webhooks_out.replays WHERE finished_at IS NOT NULL")


async def test_a_replay_has_the_events_of_the_times_that_are_shown(bench: Bench, receiver: Receiver) -> None:
    payment_id = await bench.pay()
    first, *_, last = [datetime.fromisoformat(timestamp(event.recorded_at)) for event in await bench.log()]
    made = await bench.endpoint(receiver.url)
    async with bench.pool.connection() as conn:
        await deliveries.request_replay(
            conn, endpoint_id=made.endpoint.endpoint_id, from_at=first, until_at=last, actor="operator:test"
        )
    async with bench.delivering():
        await eventually(lambda: bench.rows("SELECT FROM webhooks_out.replays WHERE finished_at IS NOT NULL"))
        await bench.all_become("delivered")
    assert receiver.types(payment_id) == LIFE


async def test_several_workers_keep_the_order(bench: Bench, receiver: Receiver) -> None:
    """Intake and three pools at the same time: nothing waits for ever, and nothing overtakes."""
    await bench.endpoint(receiver.url)
    async with bench.delivering(), bench.delivering(), bench.delivering():
        payments = []
        for _ in range(12):
            payments.append(await bench.pay())
            await asyncio.gather(*(bench.take([event]) for event in (await bench.log())[-len(LIFE) :]))
        await eventually(bench.statuses, lambda found: found == ["delivered"] * len(LIFE) * 12)
    assert receiver.most_in_flight == 1
    assert sorted(each.id for each in receiver.received) == sorted({each.id for each in receiver.received})


async def test_what_is_open_and_late_is_counted(bench: Bench) -> None:
    await bench.endpoint("https://one.example/webhooks")
    await bench.endpoint("https://two.example/webhooks", merchant_id="merchant_2")
    await bench.pay()
    await bench.take()
    async with bench.owner() as conn:
        await conn.execute(
            "UPDATE webhooks_out.deliveries SET due_at = due_at - interval '100 seconds' WHERE status = 'due'"
        )
        await conn.execute(
            "UPDATE webhooks_out.endpoints SET enabled = false, disabled_because = 'gone'"
            " WHERE merchant_id = 'merchant_2'"
        )
    async with bench.pool.connection() as conn:
        counts = await count_due(conn)
    assert (counts.pending, counts.enabled, counts.failing, counts.disabled) == (len(LIFE), 1, 0, 1)
    assert 100 <= counts.oldest_due_s < 160


async def test_a_wrong_key_of_the_secrets_sends_nothing(bench: Bench, receiver: Receiver) -> None:
    await bench.endpoint(receiver.url)
    await bench.pay()
    await bench.take()
    async with bench.delivering(box=SecretBox([bytes(31) + b"1"]), pauses_s=(0.01,) * 500):
        await eventually(lambda: bench.rows("SELECT error FROM webhooks_out.attempts"), lambda found: len(found) > 1)
    assert receiver.received == []
    assert await bench.rows("SELECT DISTINCT error FROM webhooks_out.attempts") == [
        ("not sent: its secret cannot be read here",)
    ]
    assert await bench.rows("SELECT failing_since, enabled FROM webhooks_out.endpoints") == [(None, True)]
    async with bench.delivering():
        await bench.all_become("delivered")


async def test_what_ended_long_ago_and_deleted_endpoints_are_removed(bench: Bench, receiver: Receiver) -> None:
    made = await bench.endpoint(receiver.url)
    await bench.pay()
    await bench.take()
    async with bench.delivering():
        await bench.all_become("delivered")
    async with bench.pool.connection() as conn:
        assert await remove_old(conn, retention_s=3600) == 0
        assert await remove_old(conn, retention_s=0) == len(LIFE)
    await bench.pay()
    await bench.take((await bench.log())[-len(LIFE) :])
    async with bench.owner() as conn:
        assert await endpoints.delete(conn, made.endpoint.endpoint_id, merchant_id=MERCHANT)
        await conn.execute("UPDATE webhooks_out.endpoints SET deleted_at = deleted_at - interval '2 hours'")
    async with bench.pool.connection() as conn:
        assert await remove_old(conn, retention_s=3600) == len(LIFE)
    assert await bench.rows("SELECT * FROM webhooks_out.endpoints") == []
    assert await bench.rows("SELECT * FROM webhooks_out.attempts") == []
