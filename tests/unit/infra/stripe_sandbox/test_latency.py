import asyncio
import time

import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

INTENTS = "/v1/payment_intents"


async def test_delayed_requests_overlap(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await admin.delay(before_ms=200)
    began = time.monotonic()

    await asyncio.gather(*(stripe_http.post(INTENTS, **PAYMENT) for _ in range(10)))

    assert 0.2 <= time.monotonic() - began < 1.5


async def test_a_delay_before_the_effect_shows_nothing_yet(
    stripe_http: StripeHttp, admin: SandboxAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def delay(delay_ms: float) -> None:
        if delay_ms == 150:
            begun.set()
            await over.wait()

    monkeypatch.setattr("infra.stripe_sandbox.latency._sleep", delay)
    await admin.delay(before_ms=150)
    request = asyncio.create_task(stripe_http.post(INTENTS, **PAYMENT))
    await begun.wait()

    before = await admin.charges()
    over.set()
    await request

    assert before == []
    assert len(await admin.charges()) == 1


async def test_an_answer_that_comes_too_late_can_be_had_by_asking_again(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    await admin.delay(after_ms=60_000)
    lost = asyncio.create_task(stripe_http.post(INTENTS, key="k1", **PAYMENT))
    async with asyncio.timeout(10):
        while not await admin.charges():  # noqa: ASYNC110 - nobody inside the sandbox can tell us
            await asyncio.sleep(0.001)
    lost.cancel()
    await asyncio.wait({lost})
    await admin.delay(after_ms=0)

    again = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await admin.charges()) == 1


async def test_delays_are_changed_one_by_one_and_reset(admin: SandboxAdmin) -> None:
    await admin.delay(before_ms=5, jitter_ms=7)

    assert await admin.delay(after_ms=3) == {"before_ms": 5, "after_ms": 3, "jitter_ms": 7}
    await admin.reset()
    assert await admin.delay() == {"before_ms": 0, "after_ms": 0, "jitter_ms": 0}


@pytest.mark.parametrize("delays", [{"before_ms": -1}, {"before_ms": 10**9}, {"sideways_ms": 1}])
async def test_delays_have_limits(admin: SandboxAdmin, delays: dict[str, int]) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await admin.delay(**delays)

    assert refused.value.response.status_code == 400
