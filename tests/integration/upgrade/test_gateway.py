"""Stripe calls that an older release left open come to their end, and nothing is made twice at Stripe."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
import pytest_asyncio
import stripe

from consumers.stripe.payments import StripeApi
from consumers.stripe.requests import StripeRequest
from consumers.stripe.translate.ids import PAYMENT_ID
from domain.ids import PaymentId
from event_store.store import Connection
from infra.postgres.pool import Pool
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, a_guard, working
from tests.integration.upgrade.consuming import take_in
from tests.integration.upgrade.fixture_files import Fixture
from tests.integration.upgrade.restored import sandbox_left_by

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MINUTE_S, MONTH_S = 60.0, 30 * 24 * 3600.0


@contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Let the gateway's clock go on from this moment, as the sandbox's does: what was requested is not a day old."""
    behind_s = time.time() - moment.timestamp()
    clock = SimpleNamespace(time=lambda: time.time() - behind_s, perf_counter=time.perf_counter)
    with mock.patch("consumers.gateway.worker.time", clock), mock.patch("consumers.gateway.look_ups.time", clock):
        yield


@dataclass
class NotedCalls(StripeApi):
    """Stripe, and the idempotency keys of what was sent to it."""

    client: stripe.StripeClient
    keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.client, a_guard(), timeout_s=10)

    async def send(self, request: StripeRequest, *, not_after: float = float("inf")) -> dict[str, Any]:
        self.keys.append(request.idempotency_key)
        return dict(await super().send(request, not_after=not_after))


@dataclass(kw_only=True)
class Gateway:
    """Today's gateway on what the release left."""

    release: Fixture
    pool: Pool
    app: Connection
    calls: NotedCalls

    async def finish(self, *, age_s: float, missing_after_s: float) -> None:
        """Make all calls that are open; the release tried them `age_s` ago."""
        await self.app.execute(self.release.manifest.set_task_age, [age_s])
        await self.app.commit()
        await take_in(self.pool, self.release)
        with standing_at(self.release.manifest.written_at):
            async with working(self.pool, self.calls, missing_after_s=missing_after_s):
                await self.payments.all_done(within=30)

    @property
    def payments(self) -> Payments:
        return Payments(self.pool)

    def id_of(self, name: str) -> PaymentId:
        return PaymentId(UUID(self.release.manifest.payments[name]))

    async def key_of(self, name: str) -> str:
        """Return the key of the call for a payment that was asked for: the id of the event that asked."""
        cursor = await self.app.execute(
            "SELECT event_id FROM event_store.events WHERE stream_id = %s AND version = 1", [self.id_of(name)]
        )
        ((event_id,),) = await cursor.fetchall()
        return str(event_id)

    async def intents(self) -> Counter[str]:
        """Return how many intents each payment has at Stripe."""
        found: Counter[str] = Counter()
        intents = await self.calls.client.v1.payment_intents.list_async({"limit": 100})
        async for each in intents.auto_paging_iter():
            found[each.metadata[PAYMENT_ID]] += 1
        return found


@pytest_asyncio.fixture
async def gateway(release: Fixture, pool: Pool, app: Connection, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with sandbox_left_by(release, tmp_path / "sandbox.db") as client:
        yield Gateway(release=release, pool=pool, app=app, calls=NotedCalls(client))


async def test_a_call_whose_answer_was_lost_is_sent_again_with_its_key(gateway: Gateway) -> None:
    before = await gateway.intents()
    assert before[str(gateway.id_of("answer_lost"))] == 1, "Stripe had done it"
    await gateway.finish(age_s=MINUTE_S, missing_after_s=0)
    assert Counter(gateway.calls.keys) == {
        await gateway.key_of("answer_lost"): 1,
        await gateway.key_of("not_taken_in"): 1,
    }
    await assert_all_came_to_their_end(gateway, before)


async def test_a_call_that_is_too_old_to_be_sent_again_is_looked_up(gateway: Gateway) -> None:
    before = await gateway.intents()
    await gateway.finish(age_s=MONTH_S, missing_after_s=24 * 3600)
    assert gateway.calls.keys == [await gateway.key_of("not_taken_in")]
    await assert_all_came_to_their_end(gateway, before)


async def assert_all_came_to_their_end(gateway: Gateway, before: Counter[str]) -> None:
    assert await gateway.intents() == before + Counter([str(gateway.id_of("not_taken_in"))])
    held = await gateway.payments.state(gateway.id_of("answer_lost"))
    assert (held.status, held.amount_capturable) == ("requires_capture", held.amount)
    paid = await gateway.payments.state(gateway.id_of("not_taken_in"))
    assert (paid.status, paid.amount_captured) == ("succeeded", paid.amount)
    refunded = await gateway.payments.state(gateway.id_of("refund_unknown"))
    assert [each.status for each in refunded.refunds.values()] == ["failed"]
    assert refunded.amount_refundable == refunded.amount_captured
