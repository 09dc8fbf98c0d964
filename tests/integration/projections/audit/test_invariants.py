"""Every invariant is found to be broken, and named, in a log that a superuser changed."""

import random
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest
import pytest_asyncio

from domain.ids import PaymentId
from domain.money import Money
from domain.payment.commands import RequestPayment
from event_store.store import Connection as AppConnection
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from projections.audit.invariants import INVARIANTS, Checked, Violation, violations
from tests.support.balance_events import a_row
from tests.support.database import Database
from tests.support.payment_histories import events_of, paid, random_history, refunded, request_payment
from tests.support.read_model import load_log, project_log, store, store_balance

pytestmark = pytest.mark.integration

# One more event of the payment's, written as append() would have, and made of its third.
_ONE_MORE = """
WITH again AS (
    UPDATE event_store.streams SET version = version + 1, last_position = 100
     WHERE stream_id = '{id}' RETURNING version
)
INSERT INTO event_store.events
       (position, event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
SELECT 100, gen_random_uuid(), stream_id, again.version, category, 'TYPE', 1, DATA, metadata, recorded_at
  FROM event_store.events e, again
 WHERE stream_id = '{id}' AND e.version = 3
"""


@pytest_asyncio.fixture
async def auditor(database: Database) -> AsyncIterator[Connection]:
    """A connection as `paystream audit` has it."""
    async with await psycopg.AsyncConnection.connect(database.url("audit"), autocommit=True) as connection:
        yield connection


async def found(auditor: Connection) -> list[Violation]:
    checked = Checked()
    violated = [each async for each in violations(auditor, partitions=1, checked=checked, grace=timedelta(0), chunk=3)]
    assert checked.violations == len(violated)
    return violated


async def tamper(database: Database, statement: str) -> None:
    """Change the log as only a superuser can."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("SET session_replication_role = replica")
        changed = await owner.execute(statement)
        assert changed.rowcount != 0


async def a_refunded_payment(app: AppConnection) -> RequestPayment:
    request = request_payment()
    commands = [*paid(request), *refunded(uuid7(), Money(amount_cents=400, currency="USD"))]  # type: ignore[arg-type]
    await store(app, [(request.payment_id, events_of(commands))])
    return request


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_that_deciders_decide_violates_any(app: AppConnection, auditor: Connection, seed: int) -> None:
    rng = random.Random(seed)
    ids = [PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(40)]
    await store(app, [(each, random_history(rng, payment_id=each, steps=20)) for each in ids], rng=rng)
    await store_balance(app, a_row("txn_1", reporting_category="topup"))
    assert await found(auditor) == []


CHANGES = {
    "stream_whole": "DELETE FROM event_store.events WHERE stream_id = '{id}' AND version = 2",
    "stream_whole: the last one is gone": (
        "DELETE FROM event_store.events WHERE stream_id = '{id}'"
        " AND version = (SELECT version FROM event_store.streams WHERE stream_id = '{id}')"
    ),
    "stream_whole: the table of streams lacks it": "DELETE FROM event_store.streams WHERE stream_id = '{id}'",
    "one_owner": (
        "UPDATE event_store.events SET metadata = jsonb_set(metadata, '{{merchant_id}}', '\"other\"')"
        " WHERE stream_id = '{id}' AND version = 3"
    ),
    "readable": "UPDATE event_store.events SET data = '{{}}' WHERE stream_id = '{id}' AND version = 1",
    "readable: a type that nobody knows": (
        "UPDATE event_store.events SET type = 'payment.unheard_of' WHERE stream_id = '{id}' AND version = 3"
    ),
    "possible_order": (
        "UPDATE event_store.events SET data = jsonb_set(data, '{{refund_id}}', to_jsonb(gen_random_uuid()))"
        " WHERE stream_id = '{id}' AND type = 'payment.refund_succeeded'"
    ),
    "refunded_within_captured": (
        "UPDATE event_store.events SET data = jsonb_set(data, '{{amount,amount_cents}}', '1001')"
        " WHERE stream_id = '{id}' AND type = 'payment.refund_requested'"
    ),
    "captured_within_authorized": (
        "UPDATE event_store.events SET data = jsonb_set(data, '{{amount_captured,amount_cents}}', '1001')"
        " WHERE stream_id = '{id}' AND type = 'payment.succeeded'"
    ),
    "one_charge": _ONE_MORE.replace("TYPE", "payment.succeeded").replace(
        "DATA", "jsonb_set(data, '{{charge_id}}', '\"ch_again\"')"
    ),
    "end_is_final": _ONE_MORE.replace("TYPE", "payment.canceled").replace("DATA", "'{{\"reason\": null}}'"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_a_superuser_changed_is_named(
    database: Database, app: AppConnection, auditor: Connection, change: str
) -> None:
    requests = [await a_refunded_payment(app) for _ in range(5)]
    assert await found(auditor) == []
    await tamper(database, CHANGES[change].format(id=requests[2].payment_id))
    violated = await found(auditor)
    assert change.partition(":")[0] in {each.invariant for each in violated}
    assert {each.stream_id for each in violated} == {requests[2].payment_id}


async def test_a_request_without_a_task_is_found_once_the_gateway_has_passed_it(
    database: Database, app: AppConnection, auditor: Connection
) -> None:
    request = request_payment()
    await store(app, [(request.payment_id, events_of([request]))])
    assert await found(auditor) == [], "the gateway has not seen it yet"
    await tamper(
        database,
        "INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)"
        " VALUES ('stripe-gateway', 'paystream.payment', 0, 1)",
    )
    (violated,) = await found(auditor)
    assert (violated.invariant, violated.stream_id, violated.position) == ("request_has_task", request.payment_id, 1)
    (event,) = await load_log(app)
    await tamper(
        database,
        "INSERT INTO consumers.gateway_tasks (event_id, payment_id, merchant_id, operation, position, correlation_id)"
        f" VALUES ('{event.event_id}', '{event.stream_id}', 'merchant_test', 'create_intent', 1, 'c')",
    )
    assert await found(auditor) == []


async def test_a_ledger_that_was_changed_is_not_level(
    database: Database, app: AppConnection, auditor: Connection, pool_of_projector: Pool
) -> None:
    await a_refunded_payment(app)
    await project_log(pool_of_projector, await load_log(app))
    assert await found(auditor) == []
    await tamper(
        database,
        "UPDATE read_model.ledger_lines SET amount = amount + 1"
        " WHERE (position, number, line) = (SELECT position, number, line FROM read_model.ledger_lines LIMIT 1)",
    )
    assert {each.invariant for each in await found(auditor)} == {"ledger_level", "ledger_days_right"}


async def test_the_sums_of_a_merchant_are_those_of_its_entries(
    database: Database, app: AppConnection, auditor: Connection, pool_of_projector: Pool
) -> None:
    await a_refunded_payment(app)
    await project_log(pool_of_projector, await load_log(app))
    await tamper(database, "DELETE FROM read_model.ledger_merchant_days WHERE account = 'refunds'")
    (violation,) = await found(auditor)
    assert (violation.invariant, "refunds of merchant_test" in violation.detail) == ("ledger_days_right", True), (
        violation
    )


def test_each_invariant_has_a_test() -> None:
    tested = {change.partition(":")[0] for change in CHANGES}
    elsewhere = {"request_has_task", "ledger_level", "ledger_days_right", "split_all_or_nothing"}
    assert tested | elsewhere == INVARIANTS.keys()
