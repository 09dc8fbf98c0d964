"""Each dependency is stopped while payments run: what docs/failures.md promises happens, and recovery needs no hand."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from infra.embedded.process import Layout, processes_of
from tests.chaos.published import assert_in_order, log_and_kafka_agree
from tests.support.brokers import chosen_layout
from tests.support.payment_load import Customers, assert_stripe_agrees, chaos_seed
from tests.support.signed_webhooks import a_stripe_event, deliver, secret_of
from tests.support.system import System, new_key, running_system
from tests.support.waiting import answered, eventually

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(240), pytest.mark.own_system]

_BEFORE, _DURING = 20, 12
"""How many payments are accepted before something stops, and while it is away."""
_OPEN = 2.0

Outage = Callable[[System, Customers], Awaitable[None]]


@asynccontextmanager
async def under_load(home: Path, outage: Outage, layout: Layout | None = None) -> AsyncIterator[System]:
    """Have something happen while payments run; all of them are as they should be after that, and by themselves."""
    async with running_system(home, processes=processes_of(layout or chosen_layout())) as system:
        customers = Customers(system=system, seed=chaos_seed(), rest_s=0.3)

        async def happens() -> None:
            await accepted(customers, _BEFORE)
            await outage(system, customers)

        async with asyncio.TaskGroup() as group:
            happening = group.create_task(happens())
            group.create_task(customers.run(_BEFORE + _DURING, until=happening))
        await assert_stripe_agrees(system, customers.made)
        yield system


async def accepted(customers: Customers, more: int) -> None:
    """Wait until so many payments more were accepted."""
    already = len(customers.made)

    async def so_many() -> bool:
        return len(customers.made) >= already + more

    await eventually(so_many, within=60)


async def metric(system: System, process: str, name: str) -> float:
    """Return the highest value of a metric that a process shows; one that is not there is below all."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{system.stack.component(process).port}/metrics")
    samples = (line.rpartition(" ") for line in answer.text.splitlines())
    found = [float(value) for shown, _, value in samples if shown.partition("{")[0] == name]
    return max(found, default=-math.inf)


def says_try_again(answer: httpx.Response) -> bool:
    """Whether it is a problem that says when to ask again."""
    is_problem = answer.headers["content-type"] == "application/problem+json"
    return (answer.status_code, is_problem) == (503, True) and int(answer.headers["Retry-After"]) > 0


async def test_without_redis_payments_and_replays_go_on(tmp_path: Path) -> None:
    async def outage(system: System, customers: Customers) -> None:
        key = new_key()
        first = await system.create(key)
        system.stack.kill("valkey")
        await accepted(customers, _DURING)
        again = await system.create(key)
        assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
        assert again.headers["Idempotent-Replayed"] == "true"
        await eventually(lambda: metric(system, "command-api", "http_rate_limit_alone"), lambda alone: alone == 1)
        await system.stack.restart("valkey")
        await eventually(lambda: metric(system, "command-api", "http_rate_limit_alone"), lambda alone: alone == 0)

    async with under_load(tmp_path, outage):
        pass


async def test_without_kafka_payments_are_accepted_and_delivered_later(tmp_path: Path) -> None:
    async def outage(system: System, customers: Customers) -> None:
        system.stack.kill("broker")
        await accepted(customers, _DURING)
        await eventually(lambda: metric(system, "relay", "outbox_queue_depth"), lambda depth: depth >= _DURING)
        await system.stack.restart("broker")

    async with under_load(tmp_path, outage) as system:
        await log_and_kafka_agree(system)
        await assert_in_order(system)
        await eventually(lambda: metric(system, "relay", "outbox_queue_depth"), lambda depth: depth == 0)


async def test_without_stripe_commands_and_webhooks_are_recorded(tmp_path: Path) -> None:
    webhook = a_stripe_event()

    async def outage(system: System, customers: Customers) -> None:
        system.stack.kill("sandbox")
        await accepted(customers, _DURING)
        pending = await system.create()
        assert (pending.status_code, pending.json()["status"]) == (201, "pending")
        await eventually(
            lambda: metric(system, "worker-stripe-gateway", "circuit_breaker_state"), lambda at: at == _OPEN
        )
        assert await waiting_tasks(system) > 0
        assert (await deliver(system.command, webhook, secret_of(system))).is_success
        await system.stack.restart("sandbox")

    async with under_load(tmp_path, outage) as system:
        assert await recorded(system, str(webhook["id"]))
        await eventually(lambda: waiting_tasks(system), lambda left: left == 0)


async def waiting_tasks(system: System) -> int:
    """Return how many calls of Stripe are still to be made."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        query = "SELECT count(*) FROM consumers.gateway_tasks WHERE status NOT IN ('done', 'dead')"
        row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def recorded(system: System, stripe_event_id: str) -> bool:
    """Whether the log has an event of Stripe's."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url()) as connection:
        query = "SELECT EXISTS (SELECT FROM event_store.events WHERE data->>'stripe_event_id' = %s)"
        return await (await connection.execute(query, [stripe_event_id])).fetchone() == (True,)


async def test_without_postgres_the_answer_is_to_try_again(tmp_path: Path) -> None:
    key = new_key()

    async def outage(system: System, customers: Customers) -> None:
        system.stack.kill("postgres")
        assert says_try_again(await system.create(key))
        assert says_try_again(await deliver(system.command, a_stripe_event(), secret_of(system)))
        assert says_try_again(await system.query.get(f"/payments/{customers.made[0].id}"))
        assert (await system.command.get("/health/live")).is_success
        assert (await system.command.get("/health/ready")).status_code == httpx.codes.SERVICE_UNAVAILABLE
        await system.stack.restart("postgres")
        await accepted(customers, _DURING)

    async with under_load(tmp_path, outage) as system:
        first = await answered(lambda: system.create(key))
        again = await system.create(key)
        assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
        shown = await system.finished(first.json()["id"], min_position=first.json()["position"])
        assert (shown["status"], len(await system.charges(shown["id"]))) == ("succeeded", 1)


async def test_without_a_projector_reads_say_how_far_they_are_behind(tmp_path: Path) -> None:
    async def outage(system: System, customers: Customers) -> None:
        known = customers.made[0]
        await system.payment(known.id, min_position=known.position)
        system.stack.kill("projector")
        await accepted(customers, _DURING)
        newest = customers.made[-1]
        behind = await system.query.get(f"/payments/{newest.id}", params={"min_position": newest.position})
        assert (says_try_again(behind), behind.json()["code"]) == (True, "projection_behind")
        assert behind.json()["positions_behind"] > 0
        assert behind.json()["seconds_since_last_applied"] > 0
        stale = await system.query.get(f"/payments/{known.id}")
        assert stale.is_success
        assert int(stale.headers["Paystream-Position"]) < newest.position
        await system.stack.restart("projector")

    async with under_load(tmp_path, outage, layout="separate"):
        pass


async def test_without_the_read_model_commands_go_on(tmp_path: Path) -> None:
    async def outage(system: System, customers: Customers) -> None:
        await let_in(system, "paystream_query_login", False)
        await eventually(lambda: system.query.get(f"/payments/{customers.made[0].id}"), says_try_again)
        await accepted(customers, _DURING)
        await let_in(system, "paystream_query_login", True)

    async with under_load(tmp_path, outage):
        pass


async def let_in(system: System, login: str, allowed: bool) -> None:
    """Let PostgreSQL refuse a login, and end what it has, or let it in again."""
    async with await psycopg.AsyncConnection.connect(system.stack.database_url(), autocommit=True) as connection:
        what = "LOGIN" if allowed else "NOLOGIN"
        await connection.execute(psycopg.sql.SQL(f"ALTER ROLE {{}} {what}").format(psycopg.sql.Identifier(login)))
        if not allowed:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [login]
            )
