"""POST /webhooks/stripe, as Stripe and as others meet it."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from command_api.errors import Overloaded, ShuttingDown
from event_store.appends import Append, AppendResult
from event_store.group_commit import Closed
from infra.postgres.pool import DatabaseUnavailable
from schemas.envelope import RecordedEvent
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import stream_id_of
from tests.support.signed_webhooks import NEW_SECRET, Json, a_stripe_event, deliver, sign
from tests.unit.command_api.conftest import Standing


def counted(result: str, event_type: str = "-") -> float:
    return REGISTRY.get_sample_value("stripe_webhooks_total", {"type": event_type, "result": result}) or 0.0


def recorded(api: Standing) -> list[RecordedEvent]:
    return [event for stream in api.store.streams.values() for event in stream]


def code(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


async def test_an_event_is_recorded_and_nothing_else(api: Standing) -> None:
    event = a_stripe_event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent", "amount": 1000})
    before = counted("recorded", event["type"])
    response = await deliver(api.client, event, traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert (response.status_code, response.json()) == (200, {"received": True, "duplicate": False})
    (found,) = recorded(api)
    assert (found.stream_id, found.version, found.category) == (stream_id_of(event["id"]), 1, "stripe-event")
    assert found.type == "stripe_event.received"
    assert STRIPE_EVENT_CODEC.decode(found).payload == event
    assert (found.metadata.actor, found.metadata.merchant_id) == ("stripe", "-")
    assert found.metadata.request_id == response.headers["x-request-id"]
    assert found.metadata.traceparent is not None
    assert counted("recorded", event["type"]) == before + 1


async def test_it_asks_for_no_api_key(api: Standing) -> None:
    del api.client.headers["Authorization"]
    assert (await deliver(api.client, a_stripe_event())).status_code == 200


async def test_the_same_event_again_changes_nothing_and_is_good(api: Standing) -> None:
    event = a_stripe_event()
    before = counted("duplicate", event["type"])
    await deliver(api.client, event)
    again = await deliver(api.client, event | {"pending_webhooks": 0})
    assert (again.status_code, again.json()) == (200, {"received": True, "duplicate": True})
    assert len(recorded(api)) == 1
    assert counted("duplicate", event["type"]) == before + 1


@pytest.mark.parametrize("event_type", ["payout.paid", "customer.created", "v9.moon_landing.completed"])
async def test_an_event_of_any_type_is_recorded(api: Standing, event_type: str) -> None:
    assert (await deliver(api.client, a_stripe_event(event_type, {"id": "x"}))).status_code == 200
    assert len(recorded(api)) == 1


async def test_the_new_secret_counts_too_while_it_is_changed(api: Standing) -> None:
    assert (await deliver(api.client, a_stripe_event(), NEW_SECRET)).status_code == 200


FORGED: list[Any] = [
    pytest.param({"secret": "whsec_three"}, id="another secret"),
    pytest.param({"Stripe_Signature": sign(b"{}")}, id="other bytes"),
    pytest.param({"Stripe_Signature": "t=1,v1=abc"}, id="made up"),
    pytest.param({"Stripe_Signature": ""}, id="empty"),
]


@pytest.mark.parametrize("options", FORGED)
async def test_what_is_not_signed_is_refused_and_not_told_why(api: Standing, options: dict[str, str]) -> None:
    event, before = a_stripe_event(), counted("invalid_signature")
    response = await deliver(api.client, event, **options)
    assert code(response) == (400, "invalid_signature")
    assert response.json()["detail"] == "The request is not signed as Stripe signs for this endpoint."
    assert not recorded(api)
    assert counted("invalid_signature") == before + 1


async def test_no_signature_two_signatures_and_one_that_is_no_text_are_refused(api: Standing) -> None:
    raw = orjson.dumps(a_stripe_event())
    header = (b"Stripe-Signature", sign(raw).encode())
    for headers in ([], [header, header], [(b"Stripe-Signature", b"t=1,v1=\xe9")]):
        response = await api.client.post("/webhooks/stripe", content=raw, headers=headers)
        assert code(response) == (400, "invalid_signature")
    assert not recorded(api)


async def test_an_old_signature_is_refused(api: Standing) -> None:
    raw = orjson.dumps(a_stripe_event())
    response = await deliver(api.client, raw, Stripe_Signature=sign(raw, age_s=310))
    assert code(response) == (400, "invalid_signature")


async def test_a_live_event_where_the_key_is_a_test_key_is_refused(api: Standing) -> None:
    event = a_stripe_event(livemode=True)
    before = counted("livemode_mismatch", event["type"])
    response = await deliver(api.client, event)
    assert code(response) == (400, "livemode_mismatch")
    assert response.json()["detail"] == "The event is of live mode, and the key is a test key."
    assert not recorded(api)
    assert counted("livemode_mismatch", event["type"]) == before + 1


@pytest.mark.parametrize(
    "raw",
    [
        b"{not json",
        b"[]",
        orjson.dumps({"id": "evt_1"}),
        orjson.dumps(a_stripe_event(object="v2.core.event")),
        orjson.dumps(a_stripe_event()).replace(b'"pi_1"', b"[" * 5000 + b"]" * 5000),
    ],
    ids=["not JSON", "no object", "fields missing", "a thin event", "huge nesting"],
)
async def test_what_is_signed_and_no_event_is_refused(api: Standing, raw: bytes) -> None:
    before = counted("invalid_event")
    assert code(await deliver(api.client, raw)) == (400, "invalid_event")
    assert not recorded(api)
    assert counted("invalid_event") == before + 1


async def test_the_largest_metadata_that_stripe_takes_comes_back(api: Standing) -> None:
    metadata = {f"{number:02}" + "\N{GRINNING FACE}" * 38: "\N{GRINNING FACE}" * 500 for number in range(50)}
    event = a_stripe_event(obj={"id": "pi_1", "metadata": metadata, "description": "\N{GRINNING FACE}" * 1000})
    event["data"]["previous_attributes"] = {"metadata": metadata}
    written = json.dumps(event, indent=2).encode()  # with escapes, as Stripe may write it
    assert len(written) > 600_000
    assert (await deliver(api.client, written)).status_code == 200


async def test_a_body_may_have_1_mib_and_no_more(api: Standing) -> None:
    def of_size(size: int) -> bytes:
        padding = size - len(orjson.dumps(a_stripe_event(padding="")))
        return orjson.dumps(a_stripe_event(padding="x" * padding))

    assert (await deliver(api.client, of_size(1024 * 1024))).status_code == 200
    before = counted("body_too_large")
    assert code(await deliver(api.client, of_size(1024 * 1024 + 1))) == (413, "body_too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1100):
            yield b"x" * 1024

    headers = {"Stripe-Signature": "t=1,v1=a"}
    streamed = await api.client.post("/webhooks/stripe", content=chunks(), headers=headers)
    assert code(streamed) == (413, "body_too_large")
    assert counted("body_too_large") == before + 2


async def test_no_client_secret_is_stored_logged_or_answered(api: Standing, capsys: pytest.CaptureFixture[str]) -> None:
    intent: Json = {
        "id": "pi_1",
        "client_secret": "pi_1_secret_hunter2",
        "next_action": {"redirect_to_url": {"url": "https://stripe/?payment_intent_client_secret=pi_1_secret_hunter2"}},
    }
    good = a_stripe_event("payment_intent.requires_action", intent)
    with capture_logs() as logs:
        responses = [
            await deliver(api.client, good),
            await deliver(api.client, good | {"livemode": True}),
            await deliver(api.client, good | {"created": "pi_1_secret_hunter2"}),
            await deliver(api.client, good, "whsec_three"),
        ]
    assert [response.status_code for response in responses] == [200, 400, 400, 400]
    output = f"{[response.text for response in responses]}{logs}{capsys.readouterr()}{recorded(api)}"
    assert "hunter2" not in output
    assert json.loads(recorded(api)[0].data)["payload"]["data"]["object"]["id"] == "pi_1"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DatabaseUnavailable("away"), "database_unavailable"),
        (Closed(), ShuttingDown.code),
        (Overloaded(512), "overloaded"),
        (None, "database_unavailable"),
    ],
    ids=["away", "stopping", "too many", "slow"],
)
async def test_what_cannot_be_recorded_now_is_to_be_sent_again(
    api: Standing, monkeypatch: pytest.MonkeyPatch, error: Exception | None, expected: str
) -> None:
    async def append(_: Append) -> AppendResult:
        if error is not None:
            raise error
        raise TimeoutError

    monkeypatch.setattr(api.store, "append", append)
    event = a_stripe_event()
    before = counted(expected, event["type"])
    response = await deliver(api.client, event)
    assert code(response) == (503, expected)
    assert response.headers["retry-after"] == "1"
    assert counted(expected, event["type"]) == before + 1


async def test_card_numbers_in_a_signed_event_are_masked_and_the_event_kept(api: Standing) -> None:
    """Whoever writes one into a description at Stripe: the event must not be lost, and the number not kept."""
    charge = {
        "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
        "object": "charge",
        "description": "paid by card4242.4242.4242.4242 on the telephone",
        "metadata": {"4242\u200b4242\u200b4242\u200b4242": "5555 5555 5555 4444", "payment_id": str(uuid.uuid4())},
        "payment_method_details": {"card": {"network_transaction_id": "104102978678771"}},
    }
    event = a_stripe_event("charge.updated", charge)
    assert (await deliver(api.client, event)).status_code == 200
    (found,) = recorded(api)
    kept = STRIPE_EVENT_CODEC.decode(found).payload["data"]["object"]
    assert kept["description"] == "paid by card*** on the telephone"
    assert kept["metadata"] == {"***": "***", "payment_id": charge["metadata"]["payment_id"]}  # type: ignore[index]
    assert {name: kept[name] for name in ("id", "payment_method_details")} == {
        name: charge[name] for name in ("id", "payment_method_details")
    }
