from typing import Any

import pytest

from infra.stripe_sandbox.app import Sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp
from tests.unit.infra.stripe_sandbox.test_webhooks import SECRET, URL, believed
from tests.unit.infra.stripe_sandbox.webhook_receiver import Receiver

SUCCEEDED = "payment_intent.succeeded"


async def sent(
    sandbox: Sandbox, api: StripeHttp, admin: SandboxAdmin, receiver: Receiver, effect: str, **rule: Any
) -> list[dict[str, Any]]:
    """Let a fault come over one payment's success, and return what was sent at once."""
    await admin.add_endpoint(URL, SECRET, enabled_events=[SUCCEEDED])
    await admin.add_fault(effect, type=SUCCEEDED, **rule)
    await api.pay()
    await sandbox.dispatcher.deliver_due()
    return receiver.events


async def test_lost(sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver) -> None:
    assert await sent(sandbox, stripe_http, admin, receiver, "lose") == []
    assert len(await admin.deliveries("lost")) == 1
    assert SUCCEEDED in await stripe_http.told()


async def test_late(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    assert await sent(sandbox, stripe_http, admin, receiver, "delay", ms=3000) == []
    clock.now += 3
    assert await sandbox.dispatcher.deliver_due() == 1


async def test_twice_with_one_id(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    first, second = await sent(sandbox, stripe_http, admin, receiver, "duplicate")
    assert first["id"] == second["id"]
    assert all(believed(message) for message in receiver.messages)


async def test_out_of_order_in_a_way_that_the_seed_says(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    async def order() -> list[str]:
        receiver.sent.clear()
        await admin.reset()
        await admin.add_endpoint(URL, SECRET)
        await admin.add_fault("reorder", seed=3, ms=10_000)
        await stripe_http.pay()
        await admin.state()  # the charge is booked
        clock.now += 10
        await sandbox.dispatcher.deliver_due()
        return receiver.types

    first = await order()

    assert sorted(first) == sorted(await stripe_http.told())
    assert first != await stripe_http.told()
    assert await order() == first


@pytest.mark.parametrize("effect", ["forge", "tamper", "unsign"])
async def test_one_with_a_bad_signature_comes_beside_the_true_one(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, effect: str
) -> None:
    await sent(sandbox, stripe_http, admin, receiver, effect)

    assert sorted(believed(message) for message in receiver.messages) == [False, True]


async def test_one_that_is_too_old_comes_beside_the_true_one(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    await sent(sandbox, stripe_http, admin, receiver, "age")

    ages = [clock.now - int(m.headers["Stripe-Signature"].split(",")[0][2:]) for m in receiver.messages]
    assert sorted(ages) == [0, 3600]
    assert all(believed(message) for message in receiver.messages)


LIES: dict[str, dict[str, Any]] = {
    "other_account": {"account": "acct_0000000000000000"},
    "other_mode": {"livemode": True},
    "unknown_object": {},
}


@pytest.mark.parametrize("effect", LIES)
async def test_one_that_is_not_about_us_comes_well_signed_under_an_id_of_its_own(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, effect: str
) -> None:
    await sent(sandbox, stripe_http, admin, receiver, effect)
    (true_id,) = [event["id"] for event in await stripe_http.data("/v1/events", type=SUCCEEDED)]

    (false,) = [event for event in receiver.events if event["id"] != true_id]
    (true,) = [event for event in receiver.events if event["id"] == true_id]

    assert all(believed(message) for message in receiver.messages)
    assert LIES[effect].items() <= false.items()
    assert (false["data"]["object"]["id"] == true["data"]["object"]["id"]) is (effect != "unknown_object")


async def test_a_lie_is_tried_once(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    receiver.answers = [400, 200]
    await sent(sandbox, stripe_http, admin, receiver, "forge")
    clock.now += 3600

    assert await sandbox.dispatcher.deliver_due() == 0
    assert {delivery["state"] for delivery in await admin.deliveries()} == {"failed", "delivered"}


async def test_a_late_one_is_late_in_real_time(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    await admin.run_clock_at(3600)
    assert await sent(sandbox, stripe_http, admin, receiver, "delay", ms=3000) == []
    clock.now += 2.9
    assert await sandbox.dispatcher.deliver_due() == 0
    clock.now += 0.2
    assert await sandbox.dispatcher.deliver_due() == 1
