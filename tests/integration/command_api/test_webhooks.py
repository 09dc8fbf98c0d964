"""Webhooks on a real PostgreSQL: once among all processes, and never lost for an answer that was given."""

import asyncio
import json
from collections import Counter

import orjson
import pytest
from redis.asyncio import Redis

from infra.postgres.pool import Pool, create_pool
from tests.integration.command_api.running_api import Running, running
from tests.support.database import Database
from tests.support.signed_webhooks import a_stripe_event, deliver

pytestmark = pytest.mark.integration


async def test_an_event_that_several_processes_get_at_once_is_recorded_once(
    pool: Pool, redis: Redis, database: Database
) -> None:
    async with (
        create_pool(database.url("app"), size=4, name="other") as other,
        running(pool, redis) as one,
        running(other, redis) as two,
    ):
        events = [orjson.dumps(a_stripe_event()) for _ in range(20)]
        answers = await asyncio.gather(
            *(deliver(api.client, event) for event in events for api in (one, two) for _ in range(3))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 20, True: 100}
        assert await one.count("events") == 20


@pytest.mark.slow
async def test_without_postgres_stripe_is_told_to_send_again_and_it_is_recorded(
    pool: Pool, redis: Redis, database: Database
) -> None:
    event = a_stripe_event()
    away = create_pool(database.url("app").replace(f":{database.server.port}/", ":1/"), size=2, name="away")
    await away.open()
    async with running(away, redis, timeout_s=0.5) as api:
        refused = await deliver(api.client, event)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert refused.headers["retry-after"] == "1"
    await away.close()
    async with running(pool, redis) as api:
        assert (await deliver(api.client, event)).json()["duplicate"] is False
        assert (await deliver(api.client, event)).json()["duplicate"] is True
        assert await api.count("events") == 1


async def test_what_the_database_cannot_hold_is_recorded_as_far_as_it_can(api: Running) -> None:
    odd = {"id": "pi_1", "description": "NUL \0 and \U0001f600", "huge": 10**30, "deep": [[[[1]]]]}
    assert (await deliver(api.client, json.dumps(a_stripe_event(obj=odd)).encode())).status_code == 200
    async with api.pool.connection() as connection:
        cursor = await connection.execute("SELECT data #>> '{payload,data,object,description}' FROM event_store.events")
        assert await cursor.fetchone() == ("NUL \ufffd and \U0001f600",)
