"""What a client sees of the write side, besides idempotency."""

import uuid
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from command_api.commands.metrics import COMMANDS
from command_api.payments.metrics import PAYMENTS_CREATED
from domain.ids import AttemptId, PaymentId, StripeChargeId, StripeIntentId
from domain.payment.events import PaymentRequested
from domain.payment.observations import RecordAttemptFailed, RecordSucceeded
from event_store.appends import Append, AppendResult, EventTooLarge
from event_store.payments import command_payment
from schemas.events import PAYMENT_CODEC
from tests.support.head_requests import check_head_of_every_route
from tests.support.log_entries import metadata
from tests.unit.command_api.conftest import Standing
from tests.unit.command_api.problems import problem

UNKNOWN = uuid.UUID("1bc8e1ce-28c1-45e2-9fbe-ad206fb09576")


async def test_a_cell_names_itself_beside_the_position(api: Standing) -> None:
    assert "Paystream-Position-Token" not in (await api.create()).headers
    api.app.state.payments = replace(api.app.state.payments, cell="eu-1")

    created = await api.create(idempotency_key="order-1")
    replayed = await api.create(idempotency_key="order-1")

    assert created.headers["Paystream-Position-Token"] == f"eu-1:{created.json()['position']}"
    assert replayed.headers["Paystream-Position-Token"] == created.headers["Paystream-Position-Token"]


async def test_a_payment_is_created_as_the_contract_says(api: Standing) -> None:
    created = PAYMENTS_CREATED.labels("USD")._value.get()
    response = await api.create(
        {
            "user_id": "u",
            "amount_cents": 1000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "customer": "cus_NffrFeUfNV2Hib",
            "statement_descriptor_suffix": "BOOKS",
        },
        Idempotency_Key="k-1",
    )
    assert response.status_code == 201
    body = response.json()
    assert uuid.UUID(body.pop("id")).version == 7
    assert body.pop("created_at").endswith("Z")
    assert body == {
        "user_id": "u",
        "amount_cents": 1000,
        "currency": "USD",
        "status": "pending",
        "stripe_payment_intent_id": None,
        "idempotency_key": "k-1",
        "customer": "cus_NffrFeUfNV2Hib",
        "statement_descriptor_suffix": "BOOKS",
        "last_error": None,
        "next_action": None,
        "position": 1,
    }
    assert PAYMENTS_CREATED.labels("USD")._value.get() == created + 1
    assert COMMANDS.labels("create", "accepted")._value.get() >= 1


async def test_a_charge_expires_when_its_client_says_or_after_a_day(api: Standing) -> None:
    charge = {"user_id": "u", "amount_cents": 1000, "currency": "USD"}
    found = []
    for said in ({}, {"expires_in_seconds": 90}):
        payment_id = uuid.UUID((await api.create(charge | said)).json()["id"])
        (requested,) = map(PAYMENT_CODEC.decode, api.store.streams[payment_id])
        assert isinstance(requested, PaymentRequested)
        found.append(requested.expires_in_seconds)
    assert found == [24 * 3600, 90]
    for wrong in (59, 24 * 3600 + 1, "90"):
        assert problem(await api.create(charge | {"expires_in_seconds": wrong})) == (422, "invalid_request")


async def test_more_than_the_log_takes_is_refused(api: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Append) -> AppendResult:
        raise EventTooLarge(event_type="payment.requested", size_bytes=2000, max_bytes=1000)

    monkeypatch.setattr(api.store, "append", refuse)
    assert problem(await api.create()) == (413, "request_too_large")


async def test_a_missing_key_is_made_and_answered_and_works(api: Standing) -> None:
    first = await api.create()
    key = first.headers["idempotency-key"]
    assert first.json()["idempotency_key"] == key
    assert (await api.create(Idempotency_Key=key)).content == first.content


async def test_events_carry_where_they_come_from(api: Standing) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = await api.create(X_Request_ID="r-1", X_Correlation_ID="c-1", traceparent=trace)
    (event,) = api.store.streams[uuid.UUID(response.json()["id"])]
    assert event.metadata.to_dict() == {
        "correlation_id": "c-1",
        "actor": "api:writer",
        "merchant_id": "merchant_test",
        "request_id": "r-1",
        "traceparent": trace,
    }


async def test_events_carry_who_acted_for_a_key_that_may_say_so(api: Standing) -> None:
    refused = await api.create(Paystream_Actor="anna")
    assert problem(refused) == (403, "forbidden")
    assert api.store.streams == {}
    response = await api.create(Authorization="Bearer sk_staff", Paystream_Actor="anna")
    (event,) = api.store.streams[uuid.UUID(response.json()["id"])]
    assert event.metadata.actor == "api:staff/anna"


@pytest.mark.parametrize(
    ("sent", "confirm"),
    [
        ({}, False),
        ({"payment_method": "pm_card_visa"}, True),
        ({"payment_method": "pm_card_visa", "confirm": False}, False),
    ],
)
async def test_a_payment_method_is_tried_at_once_unless_said_otherwise(
    api: Standing, sent: dict[str, Any], confirm: bool
) -> None:
    response = await api.create({"user_id": "u", "amount_cents": 1000, "currency": "USD"} | sent)
    (event,) = api.store.streams[uuid.UUID(response.json()["id"])]
    assert PAYMENT_CODEC.decode(event).confirm is confirm  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount_cents": 49}, "amount_too_small", "amount_cents"),
        ({"amount_cents": 100_000_000}, "amount_too_large", "amount_cents"),
        ({"currency": "ISK", "amount_cents": 10_050}, "amount_not_representable", "amount_cents"),
        ({"currency": "XXX"}, "currency_unsupported", "currency"),
        ({"confirm": True}, "invalid_payment_request", "payment_method"),
        ({"metadata": {"k" * 41: "v"}}, "invalid_payment_request", "metadata"),
    ],
)
async def test_what_the_domain_refuses_keeps_its_code_and_names_the_field(
    api: Standing, change: dict[str, Any], code: str, field: str
) -> None:
    body = {"user_id": "u", "amount_cents": 1000, "currency": "USD"} | change
    response = await api.create(body)
    assert problem(response) == (422, code)
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_an_amount_in_the_query_string_is_not_passed_over(api: Standing) -> None:
    created = (await api.create()).json()
    await succeed(api, created["id"])
    for path in (f"/payments/{created['id']}/refund?amount_cents=500", "/payments?dry_run=true"):
        response = await api.client.post(path)
        assert problem(response) == (400, "invalid_request")
    assert problem(await api.client.get(f"/payments/{created['id']}/client_secret?x=1")) == (400, "invalid_request")
    assert api.payment(created["id"]).state.refunds == {}  # type: ignore[union-attr]


async def test_the_key_is_checked_before_anything_else(api: Standing) -> None:
    for key, expected in (("sk_nobody", (401, "unauthenticated")), ("sk_reader", (403, "forbidden"))):
        response = await api.client.post("/payments/x/refund", content=b"{", headers={"Authorization": f"Bearer {key}"})
        assert problem(response) == expected


@pytest.mark.parametrize("action", ["confirm", "capture", "cancel", "refund"])
@pytest.mark.parametrize("payment_id", ["x", str(UNKNOWN), f"{{{UNKNOWN}}}", UNKNOWN.hex, f"urn:uuid:{UNKNOWN}"])
async def test_what_names_no_payment_is_404(api: Standing, action: str, payment_id: str) -> None:
    assert problem(await api.client.post(f"/payments/{payment_id}/{action}")) == (404, "payment_not_found")


async def test_a_refund_needs_no_body(api: Standing) -> None:
    created = (await api.create()).json()
    await succeed(api, created["id"])
    response = await api.client.post(f"/payments/{created['id'].upper()}/refund")
    assert response.status_code == 202
    assert response.json()["payment_id"] == created["id"]
    assert response.json()["amount_cents"] == 1000
    again = await api.client.post(f"/payments/{created['id']}/refund")
    assert problem(again) == (422, "refund_amount_exceeds_refundable")
    assert again.json()["detail"].startswith("Nothing is left to refund")
    assert again.json()["amount_refundable_cents"] == 0


async def test_an_attempt_under_way_is_not_answered_with_the_decline_before(api: Standing) -> None:
    """Who reads that takes this attempt for declined, and has the payer pay by another payment."""
    payment_id = PaymentId(uuid.UUID((await api.create()).json()["id"]))
    await decline(api, payment_id, charge="ch_1", code="card_declined")

    async def confirm(**headers: str) -> httpx.Response:
        body, headers = {"payment_method": "pm_2"}, headers | {"Idempotency-Key": "c-1"}
        return await api.client.post(f"/payments/{payment_id}/confirm", json=body, headers=headers)

    accepted = await confirm()
    assert accepted.status_code == 202
    assert (accepted.json()["status"], accepted.json()["last_error"]) == ("requires_payment_method", None)
    await decline(api, payment_id, charge="ch_2", code="expired_card")
    api.waiter.payment = api.payment(str(payment_id))
    ended = await confirm(Prefer="wait=1")
    assert (ended.status_code, ended.json()["last_error"]["code"]) == (200, "expired_card")


async def test_a_cancellation_leaves_the_decline_that_it_follows(api: Standing) -> None:
    payment_id = PaymentId(uuid.UUID((await api.create()).json()["id"]))
    await decline(api, payment_id, charge="ch_1", code="card_declined")
    accepted = await api.client.post(f"/payments/{payment_id}/cancel", headers={"Idempotency-Key": "c-1"})
    assert accepted.status_code == 202
    assert (accepted.json()["status"], accepted.json()["last_error"]["code"]) == (
        "requires_payment_method",
        "card_declined",
    )


async def decline(api: Standing, payment_id: PaymentId, *, charge: str, code: str) -> None:
    declined = RecordAttemptFailed(
        intent_id=StripeIntentId("pi_1"), attempt_id=AttemptId(charge), code=code, message="Declined."
    )
    await command_payment(api.store, payment_id, declined, metadata())


async def test_prefer_is_applied_capped_and_answered_with_the_outcome(api: Standing) -> None:
    ignored = await api.create(Prefer="wait=soon")
    assert "preference-applied" not in ignored.headers
    assert api.waiter.timeouts_s == []
    waited = await api.create(Prefer="wait=500", Idempotency_Key="k-1")
    assert waited.headers["preference-applied"] == "wait=30"
    assert waited.json()["status"] == "pending"
    assert 25 < api.waiter.timeouts_s[0] <= 30
    await succeed(api, waited.json()["id"])
    api.waiter.payment = api.payment(waited.json()["id"])
    present = await api.create(Prefer="wait=5", Idempotency_Key="k-1")
    assert present.json()["status"] == "succeeded"
    assert present.json()["position"] == api.waiter.payment.events[-1].position


async def test_a_stopping_process_takes_no_more_commands(api: Standing) -> None:
    await api.executor.close()
    refused = await api.create(Idempotency_Key="k-1")
    assert problem(refused) == (503, "shutting_down")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["idempotency-key"] == "k-1"


async def test_health_and_metrics_are_served(api: Standing) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        assert (await api.client.get(path)).status_code == 200
    metrics = (await api.client.get("/metrics")).text
    for name in ("payments_created_total", "commands_total", "command_duration_seconds", "idempotency_replays_total"):
        assert name in metrics


async def test_head_answers_as_get_does_on_every_route(api: Standing) -> None:
    api.client.headers.clear()
    assert await check_head_of_every_route(api.app, api.client) > 30


async def test_requests_to_pay_are_counted_by_what_became_of_them(api: Standing) -> None:
    def counted() -> dict[str, float]:
        found = {each: REGISTRY.get_sample_value("payment_requests_total", {"status": each}) for each in statuses}
        return {each: value or 0.0 for each, value in found.items()}

    statuses = ("accepted", "replayed", "refused", "error")
    before, hits = counted(), REGISTRY.get_sample_value("idempotency_cache_hits_total") or 0.0
    for amount_cents in (1000, 1000, 2000):
        body = {"user_id": "user_1", "amount_cents": amount_cents, "currency": "USD"}
        await api.create(body, Idempotency_Key="counted")
    await api.create({"user_id": "user_1", "amount_cents": 1, "currency": "USD"})
    assert {each: value - before[each] for each, value in counted().items()} == {
        "accepted": 1,
        "replayed": 1,
        "refused": 2,
        "error": 0,
    }
    assert REGISTRY.get_sample_value("idempotency_cache_hits_total") == hits + 1


async def test_unknown_paths_and_methods_are_problems(api: Standing) -> None:
    assert problem(await api.client.get("/payments")) == (405, "method_not_allowed")
    assert problem(await api.client.post("/payment")) == (404, "not_found")


@pytest.mark.parametrize("path", ["/payments/", "/reconciliations/", "/webhooks/stripe/", "//payments"])
async def test_no_answer_leads_to_the_address_of_the_host_header(api: Standing, path: str) -> None:
    response = await api.client.post(path, json={}, headers={"Host": "evil.test"})
    assert problem(response) == (404, "not_found")
    assert "evil.test" not in str(response.headers)


async def succeed(api: Standing, payment_id: str) -> None:
    payment = api.payment(payment_id)
    assert payment.state is not None
    paid = RecordSucceeded(
        intent_id=StripeIntentId("pi_1"), amount_captured=payment.state.amount, charge_id=StripeChargeId("ch_1")
    )
    await command_payment(api.store, PaymentId(uuid.UUID(payment_id)), paid, metadata())
