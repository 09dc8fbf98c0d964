"""A payment from end to end, as a user of the two APIs sees it."""

from typing import Any

import httpx
import psycopg
import pytest

from tests.support.system import System, new_key
from tests.support.waiting import eventually

pytestmark = pytest.mark.acceptance


async def test_a_payment_succeeds_and_shows_everywhere(system: System) -> None:
    answer = await system.create(user_id="test_user_123", metadata={"order": "7"}, description="A book")
    assert answer.status_code == httpx.codes.CREATED
    created = answer.json()
    assert created["status"] == "pending"
    assert created["stripe_payment_intent_id"] is None
    payment = await system.finished(created["id"])
    assert payment["status"] == "succeeded"
    assert (payment["amount_captured_cents"], payment["amount_refunded_cents"]) == (1000, 0)
    assert payment["stripe_payment_intent_id"].startswith("pi_")
    assert (payment["metadata"], payment["description"]) == ({"order": "7"}, "A book")
    (charge,) = await system.charges(created["id"])
    assert (charge["amount"], charge["currency"], charge["paid"]) == (1000, "usd", True)


async def test_the_largest_metadata_goes_to_stripe_and_comes_back(system: System) -> None:
    face = "\N{GRINNING FACE}"
    metadata = {f"{number:02}" + face * 38: face * 500 for number in range(48)}
    answer = await system.create(wait=10, user_id=face * 500, description=face * 1000, metadata=metadata)
    assert answer.json()["status"] == "succeeded", answer.text
    payment_id = answer.json()["id"]
    payment = await system.finished(payment_id)
    assert (payment["metadata"], payment["description"]) == (metadata, face * 1000)
    (charge,) = await system.charges(payment_id)
    assert charge["metadata"].items() > metadata.items()

    async with await psycopg.AsyncConnection.connect(system.stack.database_url(), autocommit=True) as connection:

        async def brought_back() -> list[tuple[Any, ...]]:
            cursor = await connection.execute(
                "SELECT data->'payload'->'data'->'object'->'metadata' FROM event_store.events"
                " WHERE category = 'stripe-event' AND data->>'object_id' = %s",
                [payment["stripe_payment_intent_id"]],
            )
            return await cursor.fetchall()

        ((found,), *_) = await eventually(brought_back)
    assert found.keys() > metadata.keys()
    assert all(found[name].startswith("encrypted:v1:") for name in metadata), "nobody knows whose it is"


async def test_the_answer_waits_for_stripe_when_asked_to(system: System) -> None:
    answer = await system.create(wait=10)
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert answer.json()["status"] == "succeeded"
    assert answer.json()["stripe_payment_intent_id"].startswith("pi_")


@pytest.mark.parametrize(
    ("payment_method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ],
)
async def test_a_declined_card_says_why(
    system: System, payment_method: str, code: str, decline_code: str | None
) -> None:
    created = (await system.create(payment_method=payment_method, wait=10)).json()
    payment = await system.finished(created["id"])
    assert payment["status"] == created["status"] == "requires_payment_method"
    error = payment["last_error"]
    assert created["last_error"] == error
    assert error["code"] == code
    assert error["decline_code"] in (decline_code, code)
    assert error["message"]
    assert payment["amount_captured_cents"] == 0


async def test_a_declined_payment_can_be_confirmed_with_another_card(system: System) -> None:
    created = (await system.create(payment_method="pm_card_chargeDeclined", wait=10)).json()
    answer = await system.post(created["id"], "confirm", wait=10, payment_method="pm_card_visa")
    assert answer.status_code == httpx.codes.OK
    assert answer.json()["status"] == "succeeded"
    payment = await system.finished_as(created["id"], "succeeded")
    assert payment["last_error"] is None


async def test_while_another_card_is_tried_the_decline_is_not_shown(system: System) -> None:
    created = (await system.create(payment_method="pm_card_chargeDeclined", wait=10)).json()
    declined = await system.payment(created["id"], min_position=created["position"])
    assert declined["last_error"]["code"] == "card_declined"
    await system.sandbox.post("/_sandbox/latency", json={"before_ms": 3000})
    try:
        accepted = await system.post(created["id"], "confirm", payment_method="pm_card_chargeDeclinedExpiredCard")
        assert accepted.status_code == httpx.codes.ACCEPTED
        shown = await system.payment(created["id"], min_position=accepted.json()["position"])
        for answer in (accepted.json(), shown):
            assert (answer["status"], answer["last_error"]) == ("requires_payment_method", None)
    finally:
        await system.sandbox.post("/_sandbox/latency", json={"before_ms": 0})
    payment = await system.becomes(created["id"], lambda found: found["last_error"] is not None)
    assert (payment["status"], payment["last_error"]["code"]) == ("requires_payment_method", "expired_card")


async def test_authentication_is_asked_for(system: System) -> None:
    answer = await system.create(payment_method="pm_card_authenticationRequired", wait=10)
    assert answer.json()["status"] == "requires_action"
    assert answer.json()["next_action"]["type"]
    payment = await system.finished(answer.json()["id"])
    assert payment["next_action"]["type"]
    assert "client_secret" not in str(payment)


async def test_the_customer_authenticates_at_the_address_in_next_action(system: System) -> None:
    created = (await system.create(payment_method="pm_card_authenticationRequired", wait=10)).json()
    address = created["next_action"]["redirect_url"]
    assert address.startswith(system.stack.urls.sandbox)

    pressed = await system.sandbox.post(address, data={"outcome": "succeed"})

    assert pressed.status_code == httpx.codes.OK
    assert "$10.00 USD" in pressed.text
    assert "secret" not in pressed.text
    await system.finished_as(created["id"], "succeeded")


async def test_a_payment_method_that_does_not_exist_fails_the_payment_clearly(system: System) -> None:
    created = (await system.create(payment_method="pm_no_such_thing", wait=10)).json()
    payment = await system.finished(created["id"])
    assert payment["status"] in ("failed", "requires_payment_method")
    assert "pm_no_such_thing" in payment["last_error"]["message"]
    assert await system.charges(created["id"]) == []


async def test_the_customer_and_what_stands_on_the_statement_reach_the_charge(system: System) -> None:
    key = system.stack.environment("worker-stripe-gateway")["STRIPE_SECRET_KEY"]
    made = await system.sandbox.post(
        "/v1/customers", data={"email": "reader@books.test"}, headers={"Authorization": f"Bearer {key}"}
    )
    customer = made.json()["id"]
    answer = await system.create(customer=customer, statement_descriptor_suffix="BOOKS 2", wait=10)
    assert answer.json()["status"] == "succeeded", answer.text
    assert (answer.json()["customer"], answer.json()["statement_descriptor_suffix"]) == (customer, "BOOKS 2")
    (charge,) = await system.charges(answer.json()["id"])
    assert (charge["customer"], charge["statement_descriptor_suffix"]) == (customer, "BOOKS 2")


async def test_a_customer_who_does_not_exist_fails_the_payment_clearly(system: System) -> None:
    created = (await system.create(customer="cus_nobody", wait=10)).json()
    payment = await system.finished(created["id"])
    assert payment["status"] == "failed"
    assert payment["last_error"]["code"] == "resource_missing"
    assert payment["last_error"]["message"] == "No such customer: 'cus_nobody'"
    assert await system.charges(created["id"]) == []


async def test_partial_refunds_then_the_rest_then_no_more(system: System) -> None:
    payment_id = (await system.create(amount_cents=1000, wait=10)).json()["id"]
    first = await system.refund(payment_id, 300, wait=10)
    assert first.status_code == httpx.codes.OK
    assert first.json()["status"] == "succeeded"
    assert first.json()["stripe_refund_id"].startswith("re_")
    too_much = await system.refund(payment_id, 701)
    assert too_much.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert too_much.json()["amount_refundable_cents"] == 700
    rest = await system.refund(payment_id, wait=10)
    assert rest.json()["amount_cents"] == 700
    assert (await system.refund(payment_id)).status_code in (409, 422)
    payment = await system.finished(payment_id, min_position=rest.json()["position"])
    assert payment["amount_refunded_cents"] == 1000
    assert [refund["amount_cents"] for refund in payment["refunds"]] == [300, 700]
    assert sum(refund["amount"] for refund in await system.refunds(payment_id)) == 1000


async def test_manual_capture_takes_a_part_once(system: System) -> None:
    created = (await system.create(amount_cents=1000, capture_method="manual", wait=10)).json()
    assert created["status"] == "requires_capture"
    held = await system.finished(created["id"])
    assert held["amount_capturable_cents"] == 1000
    captured = await system.post(created["id"], "capture", wait=10, amount_cents=400)
    assert captured.json()["status"] == "succeeded"
    payment = await system.finished_as(created["id"], "succeeded")
    assert (payment["amount_captured_cents"], payment["amount_capturable_cents"]) == (400, 0)
    assert (await system.refund(created["id"], 401)).status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def test_a_held_payment_can_be_cancelled(system: System) -> None:
    created = (await system.create(capture_method="manual", wait=10)).json()
    answer = await system.post(created["id"], "cancel", wait=10, reason="requested_by_customer")
    assert answer.json()["status"] == "canceled"
    assert (await system.finished_as(created["id"], "canceled"))["amount_capturable_cents"] == 0


async def test_the_timeline_tells_the_whole_story(system: System) -> None:
    created = (await system.create(wait=10)).json()
    refund = (await system.refund(created["id"], 100, wait=10)).json()
    answer = await system.query.get(f"/payments/{created['id']}/events", params={"min_position": refund["position"]})
    events = answer.json()["data"]
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    types = [event["type"] for event in events]
    assert types[0] == "payment.requested"
    assert types[-2:] == ["payment.refund_requested", "payment.refund_succeeded"]
    assert "payment.succeeded" in types
    assert "client_secret" not in answer.text


async def test_what_was_written_is_read_when_the_position_is_given(system: System) -> None:
    for _ in range(10):
        created = (await system.create()).json()
        payment = await system.payment(created["id"], min_position=created["position"])
        assert payment["id"] == created["id"]


async def test_a_position_that_is_not_reached_is_said_so(system: System) -> None:
    created = (await system.create()).json()
    answer = await system.query.get(f"/payments/{created['id']}", params={"min_position": 10**12})
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.json()["code"] == "projection_behind"
    assert answer.headers["Retry-After"]


async def test_pages_of_payments_hold_each_payment_once(system: System) -> None:
    user = f"user_{new_key()}"
    made = [(await system.create(user_id=user)).json() for _ in range(7)]
    await system.payment(made[-1]["id"], min_position=made[-1]["position"])
    found, cursor = [], None
    while True:
        parameters: dict[str, str | int] = {"user_id": user, "limit": 3}
        if cursor:
            parameters["cursor"] = cursor
        page = (await system.query.get("/payments", params=parameters)).json()
        found += [payment["id"] for payment in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert found == [payment["id"] for payment in reversed(made)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount_cents": 10.5}, "invalid_request"),
        ({"amount_cents": "1000"}, "invalid_request"),
        ({"amount_cents": True}, "invalid_request"),
        ({"unknown": 1}, "invalid_request"),
        ({"user_id": "nul\u0000"}, "invalid_request"),
        ({"description": "4242 4242 4242 4242"}, "card_number_refused"),
        ({"currency": "XXX"}, "currency_unsupported"),
        ({"amount_cents": 49}, "amount_too_small"),
        ({"amount_cents": 100_000_000}, "amount_too_large"),
        ({"amount_cents": 101, "currency": "ISK"}, "amount_not_representable"),
    ],
)
async def test_bad_input_gets_a_clear_error(system: System, body: dict[str, Any], code: str) -> None:
    answer = await system.create(**body)
    assert answer.is_client_error
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code, answer.text
    assert "4242" not in answer.text


async def test_without_a_key_or_with_a_wrong_one_nothing_is_done(system: System) -> None:
    for authorization in (None, "Bearer sk_wrong", "Basic c2s6"):
        headers = {} if authorization is None else {"Authorization": authorization}
        async with httpx.AsyncClient(base_url=system.stack.urls.command_api, headers=headers) as stranger:
            answer = await stranger.post("/payments", json={})
        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert answer.json()["code"] == "unauthenticated"


async def test_every_process_is_live_and_ready_and_shows_metrics(system: System) -> None:
    for name in system.stack.process_names:
        part = system.stack.component(name)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{part.port}") as client:
            for path in ("/health", "/health/live", "/health/ready"):
                answer = await client.get(path)
                assert answer.status_code == httpx.codes.OK, f"{name}{path}: {answer.text}"
            assert "python_info" in (await client.get("/metrics")).text


async def test_every_process_that_calls_stripe_tells_of_its_breakers(system: System) -> None:
    async def reporting() -> set[str]:
        answer = await system.command.get("/system")
        assert answer.status_code == httpx.codes.OK, answer.text
        processes = {each["process"] for each in answer.json()["breakers"] if each["heard_of"]}
        return {service for each in processes for service in each.partition(" at ")[0].split(", ")}

    callers = {"command-api", "stripe-gateway", "stripe-balance", "sweeper", "reconciliation"}
    assert await eventually(reporting, lambda found: found >= callers) == callers


async def test_the_outbox_shows_its_depth_and_delay(system: System) -> None:
    await system.create(wait=10)
    relay = system.stack.component("relay")

    async def shown() -> dict[str, float]:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{relay.port}/metrics")).text
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("outbox_"))
        return {name: float(value) for name, value in samples}

    found = await eventually(shown, lambda found: found["outbox_queue_depth"] == 0)
    assert found["outbox_publish_delay_seconds_count"] > 0
    assert found["outbox_oldest_event_age_seconds"] == 0
