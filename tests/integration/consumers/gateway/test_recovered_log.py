"""After a recovery of the log, which may have lost that a call was sent: Stripe is asked when its search shows it."""

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import psycopg
import pytest
import pytest_asyncio

from consumers.gateway.plan import SEARCH_LAG_S
from consumers.stripe.payments import StripeApi
from consumers.stripe.requests import StripeRequest
from consumers.stripe.translate.ids import PAYMENT_ID
from consumers.tasks.claims import claim
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RequestId
from domain.payment.commands import CancelPayment
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, a_guard, working
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

EXPIRES_S, LATER_S = 300, 600.0


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path / "sandbox.db") as process:
        yield process


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


async def recover(owner: psycopg.AsyncConnection) -> None:
    """Let a standby take over that has all events, and not that a task was claimed."""
    await owner.execute("SELECT event_store.close_log('a standby took over')")
    await owner.execute("SELECT event_store.reopen_log(0, 0, '{}')")


async def claimed_at(pool: Pool) -> list[float | None]:
    """Claim what is due, and return for how long the log was open again, where that is told."""
    async with pool.connection() as connection, connection.transaction(force_rollback=True):
        return [task.reopened_for_s for task in await claim(connection, limit=10, lease_ms=30_000)]


@contextmanager
def standing_later() -> Iterator[None]:
    """Let the gateway's clock show that the payment has expired."""
    clock = SimpleNamespace(time=lambda: time.time() + LATER_S, perf_counter=time.perf_counter)
    with mock.patch("consumers.gateway.worker.time", clock), mock.patch("consumers.gateway.look_ups.time", clock):
        yield


async def charge(api: StripeApi, payment_id: PaymentId) -> None:
    """Send what the lost attempt had sent."""
    params = {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    await api.send(
        StripeRequest(
            operation=TaskOperation.CREATE_INTENT,
            idempotency_key=str(uuid.uuid4()),
            intent_id=None,
            params={**params, "allowed_payment_method_types": ["card"], "metadata": {PAYMENT_ID: str(payment_id)}},
        )
    )


async def test_a_claim_tells_of_the_newest_recovery_after_the_event(
    payments: Payments, pool: Pool, owner: psycopg.AsyncConnection
) -> None:
    await payments.request()
    assert await claimed_at(pool) == [None]
    await recover(owner)
    await owner.execute("UPDATE event_store.recoveries SET reopened_at = reopened_at - interval '1 hour'")
    (an_hour,) = await claimed_at(pool)
    await recover(owner)
    (just_now,) = await claimed_at(pool)
    assert an_hour is not None
    assert just_now is not None
    assert 3600 <= an_hour < 3660
    assert 0 <= just_now < 60
    await payments.request()
    assert sorted(each is None for each in await claimed_at(pool)) == [False, True], "requested since"


@pytest.mark.parametrize("is_canceled", [False, True], ids=["expired", "canceled"])
async def test_what_was_sent_before_a_recovery_is_charged_not_canceled(
    sandbox: SandboxProcess, payments: Payments, pool: Pool, owner: psycopg.AsyncConnection, *, is_canceled: bool
) -> None:
    payment_id = await payments.request(expires_in_seconds=None if is_canceled else EXPIRES_S)
    if is_canceled:
        await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4()), reason="abandoned"))
    async with SandboxAdmin(sandbox.url) as admin, stripe_sdk(sandbox.url, stripe_timeout_ms=5000) as client:
        await admin.behave(search_lag_s=int(SEARCH_LAG_S))
        api = StripeApi(client, a_guard(), timeout_s=5)
        await charge(api, payment_id)
        await recover(owner)
        with standing_later():
            async with working(pool, api):
                waiting = await eventually(payments.tasks, until=lambda rows: rows[0][3] is not None)
                assert waiting[0][:3] == ("create_intent", "due", 0)
                assert (await payments.state(payment_id)).status == "pending"
                await admin.advance(int(SEARCH_LAG_S) + 2)  # it counts whole seconds
                await owner.execute(
                    "UPDATE event_store.recoveries SET reopened_at = reopened_at - %s * interval '1 second'",
                    [2 * SEARCH_LAG_S],
                )
                await payments.execute("UPDATE consumers.gateway_tasks SET due_at = now() WHERE status = 'due'")
                await payments.becomes(payment_id, "succeeded")
                await payments.all_done()
        assert len(await admin.charges()) == 1
