"""The worker: it polls with and without its lock, survives being killed, and tells how old its knowledge is."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import stripe
from prometheus_client import REGISTRY
from pydantic import ValidationError

from consumers.balance.process import NAME, serve
from consumers.balance.settings import BalanceSettings
from consumers.stripe.lists.lists import StripeList, StripeLists
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer
from infra.postgres.pool import Pool
from infra.process.health import Health
from infra.process.runtime import Runtime
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.balance.polled_sandbox import Log, charge, rows_at_stripe, transactions
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

NOBODY_LISTENS = "redis://127.0.0.1:9/0"


@pytest_asyncio.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    with Home(tmp_path) as home:
        server = ValkeyServer(home, port=free_port(), password="lock-and-key")
        await server.start()
        await server.wait_ready()
        yield server
        await server.stop()


def settings_of(database: Database, sandbox: SandboxProcess, redis_url: str, **changes: Any) -> BalanceSettings:
    return BalanceSettings.model_validate(
        {
            "database_url": database.url("app"),
            "redis_url": redis_url,
            "redlock_restart_guard": False,
            "stripe_secret_key": "sk_test_integration",
            "stripe_api_base": sandbox.url,
            "stripe_rate_limit_test_per_s": 1000,
            "balance_poll_interval_ms": 100,
            "balance_lock_ttl_ms": 1000,
            **changes,
        }
    )


@asynccontextmanager
async def running(settings: BalanceSettings) -> AsyncIterator[Health]:
    runtime = Runtime(service=NAME, settings=settings, stop=asyncio.Event(), health=Health())
    process = asyncio.create_task(serve(runtime, settings))
    try:
        yield runtime.health
    finally:
        runtime.stop.set()
        await asyncio.wait_for(process, 10)


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def _polls() -> list[float]:
    """Count the polls that came to their end, with the lock and without it."""
    return [
        metric("balance_polls_total", list="balance_transactions", result=result)
        for result in ("with_lock", "without_lock")
    ]


async def test_it_polls_by_its_lock_and_tells_how_old_its_knowledge_is(
    client: stripe.StripeClient, sandbox: SandboxProcess, database: Database, valkey: ValkeyServer, log_of: Log
) -> None:
    await charge(client)
    appended = metric("balance_events_appended_total", type="stripe_balance.transaction_recorded")
    polls = metric("balance_polls_total", list="balance_transactions", result="with_lock")
    async with running(settings_of(database, sandbox, valkey.url)) as health:
        await eventually(log_of.transactions, lambda rows: len(rows) == 1)
        await charge(client)
        await eventually(log_of.transactions, lambda rows: len(rows) == 2)
        assert (await health.ready()).checks == {"postgres": "ok"}
        assert (await health.live()).checks == {"balance": "ok"}
    assert metric("balance_events_appended_total", type="stripe_balance.transaction_recorded") == appended + 2
    assert metric("balance_polls_total", list="balance_transactions", result="with_lock") >= polls + 2
    for each in StripeList:
        assert 0 <= metric("balance_poll_age_seconds", list=each.value) < 30


@pytest.mark.parametrize(("whole_interval_ms", "rows_of_later_polls"), [(3_600_000, 2), (100, 10)])
async def test_it_reads_all_at_its_start_and_a_page_when_nothing_is_new(
    *,
    client: stripe.StripeClient,
    sandbox: SandboxProcess,
    database: Database,
    valkey: ValkeyServer,
    whole_interval_ms: int,
    rows_of_later_polls: int,
) -> None:
    for _ in range(10):
        await charge(client)
    polls = metric("balance_polls_total", list="balance_transactions", result="with_lock")
    rows = metric("stripe_list_rows_read_total", list="balance_transactions")
    changes = {"balance_page_size": 2, "balance_whole_listing_interval_ms": whole_interval_ms}

    async def polled() -> float:
        return metric("balance_polls_total", list="balance_transactions", result="with_lock") - polls

    async with running(settings_of(database, sandbox, valkey.url, **changes)):
        await eventually(polled, lambda count: count >= 4)
    later = await polled() - 1
    assert metric("stripe_list_rows_read_total", list="balance_transactions") - rows == 10 + rows_of_later_polls * later


async def test_two_of_them_and_one_that_is_without_its_lock_record_each_row_once(
    *,
    client: stripe.StripeClient,
    sandbox: SandboxProcess,
    database: Database,
    valkey: ValkeyServer,
    log_of: Log,
    admin: SandboxAdmin,
) -> None:
    for _ in range(5):
        await charge(client)
    small = {"balance_page_size": 2}
    async with (
        running(settings_of(database, sandbox, valkey.url, **small)),
        running(settings_of(database, sandbox, valkey.url, **small)),
        running(settings_of(database, sandbox, NOBODY_LISTENS, **small)),
    ):
        for _ in range(5):
            await charge(client)
        await eventually(log_of.transactions, lambda rows: len(rows) >= 10, within=20)
        before = _polls()

        async def polled_again() -> list[float]:
            return [now - then for now, then in zip(_polls(), before, strict=True)]

        await eventually(polled_again, lambda more: min(more) >= 3, within=20)
    assert sorted(each["transaction_id"] for each in await log_of.transactions()) == sorted(
        row["id"] for row in await rows_at_stripe(admin)
    )


async def test_it_lasts_while_stripe_is_down_and_catches_up(
    *,
    client: stripe.StripeClient,
    sandbox: SandboxProcess,
    database: Database,
    valkey: ValkeyServer,
    log_of: Log,
    admin: SandboxAdmin,
) -> None:
    failed = metric("balance_polls_total", list="payouts", result="failed")
    await charge(client)
    await admin.add_fault("error_before", path="/v1/balance_transactions")
    await admin.add_fault("error_before", path="/v1/payouts", times=3)
    quick = {"stripe_breaker_open_ms": 50, "stripe_breaker_longest_open_ms": 100}
    async with running(settings_of(database, sandbox, valkey.url, **quick)) as health:
        await eventually(
            lambda: _value("balance_polls_total", list="payouts", result="failed"), lambda count: count > failed
        )
        assert (await health.live()).checks == {"balance": "ok"}
        await admin.clear_faults()
        await eventually(log_of.transactions, lambda rows: len(rows) == 1, within=20)


async def test_one_that_is_killed_between_pages_leaves_its_place_to_the_next(
    *,
    client: stripe.StripeClient,
    sandbox: SandboxProcess,
    database: Database,
    pool: Pool,
    log_of: Log,
    admin: SandboxAdmin,
    lists: StripeLists,
) -> None:
    for _ in range(12):
        await charge(client)
    await admin.delay(before_ms=150)
    settings = settings_of(database, sandbox, NOBODY_LISTENS, balance_page_size=2)
    variables = {
        name.upper(): str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
        for name, value in settings
        if name in settings.model_fields_set
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.cli",
        "worker",
        "stripe-balance",
        env={**os.environ, **variables, "APP_ENV": "test"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    await eventually(log_of.transactions, lambda rows: len(rows) >= 4, within=30, every=0.01)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    known = len(await log_of.transactions())
    assert known < 12
    place = await log_of.place()
    assert place is not None

    await admin.delay(before_ms=0)
    assert await transactions(pool, lists)
    assert sorted(each["transaction_id"] for each in await log_of.transactions()) == sorted(
        row["id"] for row in await rows_at_stripe(admin)
    )


def test_a_lock_that_its_servers_could_outlast_is_refused() -> None:
    with pytest.raises(ValidationError, match="BALANCE_LOCK_TTL_MS must be at least 500"):
        BalanceSettings.model_validate(
            {
                "database_url": "postgresql://",
                "redis_url": NOBODY_LISTENS,
                "stripe_secret_key": "sk_test_x",
                "balance_lock_ttl_ms": 400,
            }
        )


async def _value(name: str, **labels: str) -> float:
    return metric(name, **labels)
