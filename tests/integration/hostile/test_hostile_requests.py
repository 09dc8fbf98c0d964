"""Thousands of hostile requests to both APIs, as processes of their own: each is refused, and nothing is written.

They are made from the OpenAPI documents, so that a route or a field that is added is attacked too.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from redis.asyncio import Redis

from event_store.store import Connection
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import create_pool
from infra.redis.client import connect_redis
from tests.integration.hostile.answers import sent
from tests.integration.hostile.hostile_bodies import hostile_bodies
from tests.integration.hostile.hostile_commands import hostile_commands
from tests.integration.hostile.hostile_envelopes import hostile_envelopes
from tests.integration.hostile.hostile_reads import hostile_reads
from tests.integration.hostile.hostile_request import HostileRequest, routes
from tests.integration.hostile.hostile_values import CARD
from tests.integration.hostile.hostile_webhooks import hostile_webhooks
from tests.integration.two_apis import AUTHORIZATION, PAYMENT, USED_KEY, Apis, made_things, two_apis
from tests.support.database import Database
from tests.support.openapi_documents import DOCUMENTS
from tests.support.read_model import load_log, project_log

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

AT_LEAST = 1_000
_KINDS = ("bodies", "envelopes", "commands", "reads", "webhooks")
_SHOWN = 20
_STATE = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {} AS t")


@dataclass(frozen=True, kw_only=True)
class System:
    """Both APIs, and what there is to attack."""

    apis: Apis
    ids: dict[str, str]
    database: Database
    redis: Redis

    def requests(self, kind: str) -> list[HostileRequest]:
        """Return all of a kind."""
        made = {
            "bodies": lambda: hostile_bodies(self.ids),
            "envelopes": lambda: hostile_envelopes(self.ids),
            "commands": lambda: hostile_commands(self.ids, used_key=USED_KEY),
            "reads": lambda: hostile_reads(self.ids),
            "webhooks": hostile_webhooks,
        }
        return list(made[kind]())

    async def written(self) -> dict[str, tuple[int, int]]:
        """Return how many rows each table has, and the sum of their hashes; and how many keys Redis has."""
        async with await psycopg.AsyncConnection.connect(self.database.url("owner")) as conn:
            found = await conn.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')"
                # There a process says every 15 s that it is there, whatever is requested of it.
                " AND oid <> 'consumers.circuit_breakers'::regclass"
            )
            tables = [str(name) for (name,) in await found.fetchall()]
            state = {}
            for table in tables:
                rows = await conn.execute(_STATE.format(sql.SQL(table)))
                row = await rows.fetchone()
                assert row is not None
                state[table] = (int(row[0]), int(row[1]))
        keys = [key for key in await self.redis.keys("*") if _BUDGET_OF_STRIPE not in str(key)]
        return state | {"keys of Redis": (len(keys), 0)}


@pytest_asyncio.fixture
async def system(database: Database, app: Connection, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[System]:
    """Both APIs without limits of rates, and one of each thing."""
    unlimited = {f"RATE_LIMIT_{each}_PER_S": "0" for each in ("WRITE", "READ", "ACCOUNT")}
    others = {"WEBHOOKS_OUT_ALLOW_PRIVATE": "false", "HTTP_BODY_TIMEOUT_MS": "1500"}
    redis = connect_redis(valkey.url, timeout_s=2)
    await redis.flushdb()
    async with two_apis(database, valkey, tmp_path, **unlimited, **others) as apis:
        ids = await made_things(apis.command)
        async with create_pool(database.url("projector"), size=2, name="projector-test") as pool:
            await project_log(pool, await load_log(app))
        await app.commit()
        yield System(apis=apis, ids=ids, database=database, redis=redis)
    await redis.aclose()


_BUDGET_OF_STRIPE = "paystream:rate:"  # how often Stripe was asked what a payout pays


async def test_hostile_requests_are_refused_and_nothing_is_written(system: System) -> None:
    before = await system.written()
    counted = Counter[str]()
    attacked, wrong = set(), []
    for kind in _KINDS:
        requests = system.requests(kind)
        counted[kind] = len(requests)
        attacked |= {str(each.route) for each in requests}
        answers = await sent(requests, {"command-api": system.apis.command, "query-api": system.apis.query})
        wrong += [f"{each.request}: {faults} {each.raw[:200]!r}" for each in answers if (faults := each.faults())]
        answered = Counter(each.status for each in answers)
        assert answered[0] <= len([each for each in requests if each.may_end_early])
    assert not wrong, f"{len(wrong)} of {counted}:\n" + "\n".join(wrong[:_SHOWN])
    assert await system.written() == before
    assert counted.total() >= AT_LEAST, counted
    assert attacked == {str(route) for api in DOCUMENTS for route in routes(api)}
    await _still_works(system)
    for log in system.apis.logs.values():
        _check_log(log)


async def _still_works(system: System) -> None:
    async with httpx.AsyncClient(headers={"Authorization": AUTHORIZATION}) as client:
        made = await client.post(f"{system.apis.command}/payments", json=PAYMENT)
        shown = await client.get(f"{system.apis.query}/payments/{system.ids['payment_id']}")
    assert (made.status_code, shown.status_code) == (201, 200)


def _check_log(log: Path) -> None:
    """Every line is an entry of ours: no request wrote one of its own, and none holds what must not be kept."""
    text = log.read_text()
    for line in text.splitlines():
        entry = json.loads(line)
        assert entry["event"] not in {"forged", "unexpected_error"}, line[:2000]
        assert entry["level"] in {"debug", "info", "warning"}, line[:2000]
    assert CARD not in text
    assert AUTHORIZATION.partition(" ")[2] not in text
