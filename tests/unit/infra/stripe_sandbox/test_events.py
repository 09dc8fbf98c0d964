import pytest

from infra.stripe_sandbox.app import Sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, Clock, StripeHttp
from tests.unit.infra.stripe_sandbox.webhook_receiver import Receiver

INTENTS = "/v1/payment_intents"
FIRST, SECOND = "https://shop.test/webhooks", "https://books.test/webhooks"


async def delivered(stripe_http: StripeHttp, *, success: bool) -> list[str]:
    return [event["type"] for event in await stripe_http.data("/v1/events", delivery_success=success, limit=100)]


async def test_a_payment_is_told_step_by_step(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(key="k1", metadata={"order": "7"})

    events = (await stripe_http.data("/v1/events"))[::-1]

    assert [event["type"] for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]
    assert [event["data"]["object"]["status"] for event in events] == [
        "requires_payment_method",
        "succeeded",
        "succeeded",
        "succeeded",
    ]
    assert events[2]["data"] == {"object": intent}
    assert events[1]["data"]["object"]["balance_transaction"] is None
    assert events[3]["data"]["previous_attributes"] == {"balance_transaction": None}


async def test_an_event_says_who_asked(stripe_http: StripeHttp) -> None:
    response = await stripe_http.post(INTENTS, key="event-1", **PAYMENT)

    (booked, event, *others) = await stripe_http.data("/v1/events")

    assert (booked["type"], booked["request"]) == ("charge.updated", {"id": None, "idempotency_key": None})
    assert event["id"].startswith("evt_")
    assert event["object"] == "event"
    assert event["api_version"] == response.headers["stripe-version"]
    assert event["livemode"] is False
    assert event["pending_webhooks"] == 0
    assert event["request"] == {"id": response.headers["request-id"], "idempotency_key": "event-1"}
    assert {other["request"]["id"] for other in others} == {event["request"]["id"]}
    assert (await stripe_http.show(f"/v1/events/{event['id']}")) == event


async def test_what_was_told_stays_as_it_was(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    told = await stripe_http.data("/v1/events")

    await stripe_http.refund(intent)

    assert (await stripe_http.data("/v1/events"))[2:] == told


async def test_a_replay_and_a_refusal_tell_nothing(stripe_http: StripeHttp) -> None:
    intent = (await stripe_http.post(INTENTS, key="k1", **PAYMENT)).json()
    before = await stripe_http.told()

    await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    await stripe_http.post("/v1/refunds", payment_intent=intent["id"], amount=2000)

    assert await stripe_http.told() == before


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"confirm": False, "payment_method": "pm_card_visa"}, ["payment_intent.created"]),
        (
            {"payment_method": "pm_card_chargeDeclined"},
            ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"],
        ),
        (
            {"payment_method": "pm_card_threeDSecure2Required", "return_url": "https://shop.test"},
            ["payment_intent.created", "payment_intent.requires_action"],
        ),
        (
            {"payment_method": "pm_card_threeDSecure2Required", "off_session": True},
            ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"],
        ),
        (
            {"payment_method": "pm_card_threeDSecure2Required", "error_on_requires_action": True},
            ["payment_intent.created", "payment_intent.payment_failed"],
        ),
        (
            {"capture_method": "manual"},
            ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"],
        ),
        (
            {"capture_method": "automatic"},
            ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"],
        ),
    ],
)
async def test_each_outcome_is_told(stripe_http: StripeHttp, params: dict[str, object], told: list[str]) -> None:
    await stripe_http.post(INTENTS, **{**PAYMENT, **params})

    assert await stripe_http.told() == told


async def test_capturing_and_canceling_are_told(stripe_http: StripeHttp) -> None:
    captured = await stripe_http.pay(capture_method="manual")
    canceled = await stripe_http.pay(capture_method="manual")
    before = len(await stripe_http.told())

    await stripe_http.post(f"{INTENTS}/{captured['id']}/capture", amount_to_capture=600)
    await stripe_http.post(f"{INTENTS}/{canceled['id']}/cancel")

    (of_charge,) = await stripe_http.data("/v1/events", type="charge.captured")
    assert await stripe_http.told(before) == ["charge.captured", "payment_intent.succeeded", "payment_intent.canceled"]
    previous = of_charge["data"]["previous_attributes"]
    assert (previous["amount_captured"], previous["captured"], previous["balance_transaction"]) == (0, False, None)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("succeed", ["charge.succeeded", "payment_intent.succeeded", "charge.updated"]),
        ("fail", ["payment_intent.payment_failed"]),
    ],
)
async def test_authentication_is_told(
    stripe_http: StripeHttp, admin: SandboxAdmin, outcome: str, told: list[str]
) -> None:
    intent = await stripe_http.pay(payment_method="pm_card_threeDSecure2Required", return_url="https://shop.test")

    await admin.authenticate(intent["id"], outcome)

    assert await stripe_http.told(2) == told


async def test_events_are_listed_in_pages_and_by_type(stripe_http: StripeHttp) -> None:
    await stripe_http.pay()
    await stripe_http.pay()
    everything = [event["id"] for event in await stripe_http.data("/v1/events")]

    pages: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        page = await stripe_http.show("/v1/events", limit=3, **after)
        pages.append([event["id"] for event in page["data"]])
        after = {"starting_after": pages[-1][-1]}
        if not page["has_more"]:
            break
    back = await stripe_http.data("/v1/events", limit=3, ending_before=everything[5])
    some = await stripe_http.data("/v1/events", types=["charge.succeeded", "payment_intent.created"], limit=3)
    both = await stripe_http.get("/v1/events", type="charge.failed", types=["charge.failed"])

    assert [len(page) for page in pages] == [3, 3, 2]
    assert [event_id for page in pages for event_id in page] == everything
    assert len(set(everything)) == 8
    assert [event["id"] for event in back] == everything[2:5]
    assert [event["type"] for event in some] == [
        "charge.succeeded",
        "payment_intent.created",
        "charge.succeeded",
    ]
    assert both.status_code == 400


async def test_events_are_listed_by_whether_every_endpoint_has_taken_them(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    await admin.add_endpoint(FIRST, "whsec_one", enabled_events=["charge.succeeded", "payment_intent.succeeded"])
    await admin.add_endpoint(SECOND, "whsec_two", enabled_events=["payment_intent.succeeded"])
    await stripe_http.pay()
    assert await delivered(stripe_http, success=False) == ["payment_intent.succeeded", "charge.succeeded"]  # pending
    assert await delivered(stripe_http, success=True) == ["charge.updated", "payment_intent.created"]

    receiver.answers = [200, 500, 200]  # the first endpoint refuses the payment's event
    await sandbox.dispatcher.deliver_due()
    assert await delivered(stripe_http, success=False) == ["payment_intent.succeeded"]
    await admin.hasten_deliveries()
    await sandbox.dispatcher.deliver_due()
    assert await delivered(stripe_http, success=False) == []
    assert len(await delivered(stripe_http, success=True)) == 4


async def test_an_event_that_failed_all_attempts_or_was_lost_is_not_delivered(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    await admin.add_endpoint(FIRST, "whsec_one", enabled_events=["payment_intent.succeeded"])
    await admin.add_fault("lose", times=1)
    await stripe_http.pay()  # lost
    await stripe_http.pay()
    receiver.answers = [500] * 100
    while await sandbox.dispatcher.deliver_due():
        await admin.hasten_deliveries()
    assert {each["state"] for each in await admin.deliveries()} == {"lost", "failed"}
    assert await delivered(stripe_http, success=False) == ["payment_intent.succeeded"] * 2


async def test_undelivered_events_are_listed_in_pages_within_the_other_filters(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    await admin.add_endpoint(FIRST, "whsec_one", enabled_events=["charge.succeeded", "payment_intent.succeeded"])
    await stripe_http.pay()
    clock.now += 60
    later = int(clock.now)
    await stripe_http.pay()
    await stripe_http.pay()
    first = await stripe_http.show("/v1/events", delivery_success=False, limit=4)
    rest = await stripe_http.show("/v1/events", delivery_success=False, limit=4, starting_after=first["data"][-1]["id"])
    assert (len(first["data"]), first["has_more"], len(rest["data"]), rest["has_more"]) == (4, True, 2, False)
    since = await stripe_http.data("/v1/events", delivery_success=False, created={"gte": later}, limit=100)
    some = await stripe_http.data("/v1/events", delivery_success=False, types=["charge.succeeded"], limit=100)
    assert (len(since), len(some)) == (4, 3)


async def test_another_account_hears_nothing(stripe_http: StripeHttp) -> None:
    await stripe_http.pay()
    (event, *_) = await stripe_http.data("/v1/events")

    others = await stripe_http.get("/v1/events", secret_key="sk_test_other")
    one = await stripe_http.get(f"/v1/events/{event['id']}", secret_key="sk_test_other")

    assert others.json()["data"] == []
    assert (one.status_code, one.json()["error"]["message"]) == (404, f"No such event: '{event['id']}'")
