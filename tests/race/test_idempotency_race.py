"""One idempotency key from many clients at once."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.system import System, new_key, run_concurrently

pytestmark = pytest.mark.race
CLIENTS = 50


async def until_answered(system: System, key: str, **fields: Any) -> httpx.Response:
    """Send as a well-behaved client does: on 409 in flight, again after Retry-After."""
    while True:
        answer = await system.create(key, **fields)
        if answer.status_code != httpx.codes.CONFLICT:
            return answer
        assert answer.json()["code"] == "idempotency_key_in_use"
        await asyncio.sleep(float(answer.headers["Retry-After"]) / 10)  # as told, but ten times as impatient


async def test_fifty_clients_with_one_key_make_one_payment_and_one_charge(system: System) -> None:
    key = new_key()
    first_answers = await run_concurrently(CLIENTS, lambda _: system.create(key))
    assert {answer.status_code for answer in first_answers} <= {201, 409}
    answers = await run_concurrently(CLIENTS, lambda _: until_answered(system, key))
    bodies = {answer.text for answer in answers} | {
        answer.text for answer in first_answers if answer.status_code == httpx.codes.CREATED
    }
    assert len(bodies) == 1
    assert all(answer.headers["Idempotent-Replayed"] == "true" for answer in answers)
    payment_id = answers[0].json()["id"]
    assert (await system.finished(payment_id))["status"] == "succeeded"
    assert len(await system.charges(payment_id)) == 1
    listed = await system.query.get("/payments", params={"idempotency_key": key})
    assert [payment["id"] for payment in listed.json()["data"]] == [payment_id]


async def test_the_same_holds_when_redis_loses_everything_in_between(system: System) -> None:
    key = new_key()
    answers = []
    for _ in range(4):
        answers += await run_concurrently(CLIENTS // 4, lambda _: until_answered(system, key))
        await system.stack.flush_redis()
    assert len({answer.text for answer in answers}) == 1
    payment_id = answers[0].json()["id"]
    await system.finished(payment_id)
    assert len(await system.charges(payment_id)) == 1


async def test_one_key_with_two_bodies_at_once_serves_one_and_refuses_the_other(system: System) -> None:
    key = new_key()
    answers = await run_concurrently(20, lambda index: until_answered(system, key, amount_cents=1000 + index % 2))
    created = [answer for answer in answers if answer.status_code == httpx.codes.CREATED]
    refused = [answer for answer in answers if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY]
    assert len(created) == len(refused) == 10
    assert len({answer.text for answer in created}) == 1
    assert {answer.json()["code"] for answer in refused} == {"idempotency_key_reused"}


async def test_the_same_key_with_another_body_or_endpoint_is_refused(system: System) -> None:
    key = new_key()
    payment_id = (await system.create(key, wait=10)).json()["id"]
    other_body = await system.create(key, amount_cents=1001)
    other_endpoint = await system.refund(payment_id, 100, key=key)
    for answer in (other_body, other_endpoint):
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "idempotency_key_reused"
    assert await system.refunds(payment_id) == []
