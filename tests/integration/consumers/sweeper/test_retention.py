"""What was kept long enough is removed, and nothing else."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio

from consumers.sweeper.retention import Retention, RetentionRules
from domain.ids import MerchantId
from event_store.appends import Append
from event_store.privacy.attached import attach
from event_store.privacy.vault import Vault
from event_store.store import Connection, append, find_response, load
from infra.postgres.pool import Plans, Pool, create_pool
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import stream_id_of
from schemas.stripe_webhooks.read import read_listed_event
from tests.support.database import Database
from tests.support.log_entries import MERCHANT, an_append
from tests.support.vaults import open_test_vault

pytestmark = pytest.mark.integration

RULES = RetentionRules(answers_days=30, tasks_days=90, stripe_bodies_days=60)


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("app"), size=2, name="test", plans=Plans.AT_EACH_CALL) as opened:
        yield opened


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def vault(database: Database) -> AsyncIterator[Vault]:
    async with open_test_vault(database) as opened:
        yield opened


async def removed(pool: Pool, rules: RetentionRules = RULES) -> None:
    await Retention(pool, rules, part=2).remove(go_on=lambda: True)


async def an_answer(app: Connection, owner: Connection, key: str, *, given: int, moved: int) -> None:
    """Store an answer `given` days ago, of a payment that moved last `moved` days ago."""
    item = an_append(key=key)
    await append(app, [item])
    await app.commit()
    await owner.execute(
        "UPDATE event_store.idempotency_keys SET created_at = now() - make_interval(days => %s) WHERE key = %s",
        [given, key],
    )
    await owner.execute("ALTER TABLE event_store.events DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE event_store.events SET recorded_at = now() - make_interval(days => %s) WHERE stream_id = %s",
        [moved, item.stream_id],
    )
    await owner.execute("ALTER TABLE event_store.events ENABLE TRIGGER USER")


async def test_answers_go_when_their_payment_has_rested(pool: Pool, app: Connection, owner: Connection) -> None:
    for key in ("old-1", "old-2", "old-3"):
        await an_answer(app, owner, key, given=40, moved=31)
    await an_answer(app, owner, "moved", given=40, moved=29)
    await an_answer(app, owner, "new", given=29, moved=29)
    await removed(pool)
    left = {key for key in ("old-1", "old-2", "old-3", "moved", "new") if await find_response(app, MERCHANT, key)}
    assert left == {"moved", "new"}


async def a_task(owner: Connection, status: str, *, ended: int) -> UUID:
    event_id = uuid4()
    await owner.execute(
        "INSERT INTO consumers.gateway_tasks"
        " (event_id, payment_id, merchant_id, operation, position, correlation_id, status, created_at, finished_at)"
        " VALUES (%(id)s, %(id)s, 'm', 'create_intent', 1, 'c', %(status)s, now() - interval '400 days',"
        "         now() - make_interval(days => %(days)s))",
        {"id": event_id, "status": status, "days": ended},
    )
    return event_id


async def test_tasks_go_when_they_ended_long_ago(pool: Pool, owner: Connection) -> None:
    for _ in range(3):
        await a_task(owner, "done", ended=91)
    kept = {await a_task(owner, "done", ended=89), await a_task(owner, "dead", ended=300)}
    await removed(pool)
    rows = await (await owner.execute("SELECT event_id FROM consumers.gateway_tasks")).fetchall()
    assert {row[0] for row in rows} == kept


async def a_stripe_event(app: Connection, vault: Vault, name: str) -> UUID:
    attach(app, vault)
    shown = {
        "id": f"evt_{name}",
        "object": "event",
        "type": "customer.updated",
        "created": 1,
        "livemode": False,
        "data": {"object": {"id": f"cus_{name}", "name": "Ada"}},
    }
    event = read_listed_event(shown)
    stream_id = stream_id_of(event.stripe_event_id)
    metadata = EventMetadata(correlation_id="c", actor="stripe", merchant_id=NO_MERCHANT)
    await append(
        app, [Append.of(STRIPE_EVENT_CODEC, [event], stream_id=stream_id, expected_version=0, metadata=metadata)]
    )
    await app.commit()
    return stream_id


async def name_in(app: Connection, vault: Vault, stream_id: UUID) -> str:
    (event,) = await vault.decrypt(await load(app, stream_id))
    decoded = STRIPE_EVENT_CODEC.decode(event)
    return str(decoded.payload["data"]["object"]["name"])


async def test_what_stripe_told_long_ago_becomes_unreadable(
    pool: Pool, app: Connection, owner: Connection, vault: Vault
) -> None:
    old, new = await a_stripe_event(app, vault, "old"), await a_stripe_event(app, vault, "new")
    await owner.execute(
        "UPDATE privacy.data_keys SET created_at = now() - interval '61 days' WHERE subject LIKE '%_old'"
    )
    await removed(pool)
    assert (await name_in(app, vault, old), await name_in(app, vault, new)) == ("[erased]", "Ada")


async def test_nothing_goes_that_is_kept_for_ever(pool: Pool, app: Connection, owner: Connection) -> None:
    await an_answer(app, owner, "old", given=4000, moved=4000)
    task = await a_task(owner, "done", ended=4000)
    await removed(pool, RetentionRules(answers_days=0, tasks_days=0, stripe_bodies_days=0))
    assert await find_response(app, MerchantId(MERCHANT), "old") is not None
    rows = await (await owner.execute("SELECT event_id FROM consumers.gateway_tasks")).fetchall()
    assert rows == [(task,)]


async def test_it_looks_once_an_hour(pool: Pool, owner: Connection) -> None:
    now = [0.0]
    retention = Retention(pool, RULES, clock=lambda: now[0])
    await retention.remove(go_on=lambda: True)
    await a_task(owner, "done", ended=300)
    for after_s, left in ((3599.0, 1), (3600.0, 0)):
        now[0] = after_s
        await retention.remove(go_on=lambda: True)
        cursor = await owner.execute("SELECT FROM consumers.gateway_tasks")
        assert len(await cursor.fetchall()) == left
