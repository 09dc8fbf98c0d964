from pathlib import Path

import httpx
import stripe

from infra.stripe_sandbox.app import Sandbox, build_sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.webhooks.dispatcher import DELAYS_S
from infra.stripe_sandbox.webhooks.endpoints import Endpoint
from infra.stripe_sandbox.webhooks.falsify import Message
from infra.stripe_sandbox.webhooks.signature import HEADER
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp
from tests.unit.infra.stripe_sandbox.webhook_receiver import Receiver

URL = "https://shop.test/webhooks"
SECRET, NEXT_SECRET = "whsec_one", "whsec_two"
THREE_DAYS = 3 * 24 * 3600


def believed(message: Message, secret: str = SECRET) -> bool:
    """Whether Stripe's own verification accepts a message, whatever its age."""
    try:
        stripe.WebhookSignature.verify_header(message.body, message.headers.get(HEADER), secret)
    except stripe.SignatureVerificationError:
        return False
    return True


async def test_every_event_is_sent_signed(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    await admin.add_endpoint(URL, SECRET)
    await stripe_http.pay()

    await sandbox.dispatcher.deliver_due()

    events = (await stripe_http.data("/v1/events"))[::-1]
    assert [url for url, _ in receiver.sent] == [URL] * 4
    assert all(believed(message) for message in receiver.messages)
    assert receiver.events == [{**event, "pending_webhooks": 1} for event in events]
    assert [event["pending_webhooks"] for event in events] == [0] * 4
    assert await sandbox.dispatcher.deliver_due() == 0


async def test_while_a_secret_is_rolled_both_are_good(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    await admin.add_endpoint(URL, SECRET, NEXT_SECRET)
    await stripe_http.pay()

    await sandbox.dispatcher.deliver_due()

    header = receiver.messages[0].headers[HEADER]
    assert header.startswith(f"t={int(clock.now)},v1=")
    assert header.count("v1=") == 2
    assert believed(receiver.messages[0], SECRET)
    assert believed(receiver.messages[0], NEXT_SECRET)
    assert not believed(receiver.messages[0], "whsec_three")


async def test_an_endpoint_gets_what_it_asked_for(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    state = await admin.state()
    await admin.add_endpoint(URL, SECRET, enabled_events=["charge.*", "refund.created"])
    await admin.add_endpoint("https://other.test", SECRET, account="acct_of_somebody_else")
    await stripe_http.refund(await stripe_http.pay())

    await sandbox.dispatcher.deliver_due()

    assert receiver.types == ["charge.succeeded", "charge.updated", "refund.created", "charge.refunded"]
    assert {url for url, _ in receiver.sent} == {URL}
    assert "events" not in state


async def test_what_is_not_taken_is_sent_again_for_three_days(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    await admin.add_endpoint(URL, SECRET, enabled_events=["payment_intent.succeeded"])
    await stripe_http.pay()
    receiver.answers = [500, 302, 400, None] * 25

    times = []
    for delay in (*DELAYS_S, DELAYS_S[-1] * 4):
        if await sandbox.dispatcher.deliver_due():
            times.append(clock.now)
        clock.now += delay - 1
        assert await sandbox.dispatcher.deliver_due() == 0
        clock.now += 1

    (delivery,) = await admin.deliveries("failed")
    (event,) = await stripe_http.data("/v1/events", type="payment_intent.succeeded")
    assert len(times) == len(receiver.sent) == len(DELAYS_S) + 1
    assert times[-1] - times[0] <= THREE_DAYS < times[-1] - times[0] + 2 * DELAYS_S[-1]
    assert delivery["attempts"] == len(times)
    assert event["pending_webhooks"] == 1
    assert all(believed(message) for message in receiver.messages)
    assert len({message.headers[HEADER] for message in receiver.messages}) == len(times)


async def test_one_that_is_taken_in_the_end_is_not_sent_again(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver, clock: Clock
) -> None:
    await admin.add_endpoint(URL, SECRET, enabled_events=["payment_intent.succeeded"])
    await stripe_http.pay()
    receiver.answers = [503, None]

    await sandbox.dispatcher.deliver_due()
    await admin.hasten_deliveries()
    await sandbox.dispatcher.deliver_due()
    clock.now += THREE_DAYS
    await sandbox.dispatcher.deliver_due()
    clock.now += THREE_DAYS

    assert await sandbox.dispatcher.deliver_due() == 0
    assert len(receiver.sent) == 3
    assert len({event["id"] for event in receiver.events}) == 1
    (delivery,) = await admin.deliveries()
    assert (delivery["state"], delivery["last_status"]) == ("delivered", 200)


async def test_a_disabled_endpoint_gets_no_more(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    endpoint = await admin.add_endpoint(URL, SECRET)
    await stripe_http.pay()

    await admin.change_endpoint(str(endpoint["id"]), status="disabled")
    await sandbox.dispatcher.deliver_due()
    await stripe_http.pay()

    assert receiver.sent == []
    assert {delivery["state"] for delivery in await admin.deliveries()} == {"failed"}
    assert len(await admin.deliveries()) == 4


async def test_an_event_can_be_sent_once_more(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    await admin.add_endpoint(URL, SECRET, enabled_events=["payment_intent.succeeded"])
    await stripe_http.pay()
    await sandbox.dispatcher.deliver_due()

    await admin.send_event(receiver.events[0]["id"])
    await sandbox.dispatcher.deliver_due()

    assert [event["id"] for event in receiver.events] == [receiver.events[0]["id"]] * 2


async def test_a_connect_endpoint_is_told_the_account(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    await admin.add_endpoint(URL, SECRET, connect=True)
    await stripe_http.pay()
    account = (await stripe_http.show("/v1/account"))["id"]

    await sandbox.dispatcher.deliver_due()

    assert {event["account"] for event in receiver.events} == {account}


async def test_what_was_not_sent_yet_is_sent_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    configured = [Endpoint(id="we_1", created=0, url=URL, secrets=[SECRET])]
    store = Store(tmp_path / "sandbox.db")
    await StripeHttp(build_sandbox(store, clock=clock, endpoints=configured, transport=Receiver())).pay()
    store.close()

    receiver, reopened = Receiver(), Store(tmp_path / "sandbox.db")
    sandbox = build_sandbox(reopened, clock=clock, endpoints=configured, transport=receiver)
    await sandbox.dispatcher.deliver_due()
    reopened.close()

    assert receiver.types == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]


async def test_forgetting_everything_keeps_the_endpoint_of_the_settings(clock: Clock) -> None:
    receiver, store = Receiver(), Store()
    configured = [Endpoint(id="we_1", created=0, url=URL, secrets=[SECRET])]
    sandbox = build_sandbox(store, clock=clock, endpoints=configured, transport=receiver)
    async with SandboxAdmin("http://sandbox.test", transport=httpx.ASGITransport(sandbox.app)) as admin:
        await admin.add_endpoint("https://other.test", SECRET)
        await admin.reset()
        await StripeHttp(sandbox).pay()
        await sandbox.dispatcher.deliver_due()
    store.close()

    assert {url for url, _ in receiver.sent} == {URL}


async def test_secrets_are_not_shown(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await admin.add_endpoint(URL, SECRET)

    listed = await stripe_http.http.get("/_sandbox/webhook_endpoints")

    assert SECRET not in listed.text
    assert SECRET not in repr(Endpoint(id="we_1", created=0, url=URL, secrets=[SECRET]))


async def test_one_that_cannot_be_made_fails_like_one_that_was_not_taken(
    sandbox: Sandbox,
    stripe_http: StripeHttp,
    admin: SandboxAdmin,
    store: Store,
    receiver: Receiver,
) -> None:
    await admin.add_endpoint(URL, SECRET, enabled_events=["payment_intent.succeeded"])
    await stripe_http.pay()
    with store.transaction():
        store.execute("forget_events")

    await sandbox.dispatcher.deliver_due()

    (delivery,) = await admin.deliveries()
    assert receiver.sent == []
    assert (delivery["state"], delivery["attempts"]) == ("pending", 1)
