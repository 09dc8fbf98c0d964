"""What a body may be, tried with the one that creates a payment: what is wrong is named, and repeated nowhere."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from command_api.request_body import MAX_BODY_BYTES
from event_store.appends import MAX_EVENT_BYTES
from tests.unit.command_api.conftest import Standing
from tests.unit.command_api.problems import problem

CARD = "4242424242424242"
FORGED = f"encrypted:v1:{uuid.UUID('1bc8e1ce-28c1-45e2-9fbe-ad206fb09576').hex}:AAAA"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_cents": 10.0}, "amount_cents"),
        ({"amount_cents": "1000"}, "amount_cents"),
        ({"amount_cents": True}, "amount_cents"),
        ({"amount_cents": None}, "amount_cents"),
        ({"amount_cents": 0}, "amount_cents"),
        ({"amount_cents": -5}, "amount_cents"),
        ({"amount_cents": 10**18}, "amount_cents"),
        ({"amount_cents": 10**30}, "amount_cents"),
        ({"currency": "US"}, "currency"),
        ({"currency": 840}, "currency"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a\x00b"}, "user_id"),
        ({"user_id": 7}, "user_id"),
        ({"confirm": "yes"}, "confirm"),
        ({"capture_method": "later"}, "capture_method"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {"a": "\x00"}}, "metadata"),
        ({"payment_method": "pm card"}, "payment_method"),
        ({"amount": 5}, "amount"),
        ({"x" * 1000: 5}, "x" * 64),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_recorded(
    api: Standing, change: dict[str, Any], field: str
) -> None:
    body = {"user_id": "u", "amount_cents": 1000, "currency": "USD"} | change
    response = await api.create(body, Idempotency_Key="k-1")
    assert problem(response) == (422, "invalid_request")
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not api.store.streams
    assert (await api.create(Idempotency_Key="k-1")).status_code == 201


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'"x"', b'{"user_id": NaN}', b"\xff", b"[" * 50_000])
async def test_what_is_no_json_object_is_refused(api: Standing, content: bytes) -> None:
    response = await api.client.post("/payments", content=content, headers={"Content-Type": "application/json"})
    status, code = problem(response)
    assert code == "invalid_request"
    assert status in {400, 422}


async def test_errors_never_repeat_what_was_sent(api: Standing) -> None:
    secret = "hunter2-" * 5
    for body in (
        {"user_id": [secret], "amount_cents": secret, "currency": secret, "capture_method": secret},
        {"metadata": {"a": {"b": secret}}, "confirm": secret, "other": secret},
        [secret],
    ):
        response = await api.create(body)
        assert problem(response)[0] == 422
        assert secret not in response.text
    malformed = await api.client.post("/payments", content=f'{{"user_id": "{secret}", '.encode())
    assert problem(malformed) == (400, "invalid_request")
    assert secret not in malformed.text


@pytest.mark.parametrize("field", ["user_id", "description", "currency", "payment_method", "unknown", CARD])
async def test_card_numbers_are_refused_wherever_they_stand_and_not_repeated(api: Standing, field: str) -> None:
    body = {"user_id": "u", "amount_cents": 1000, "currency": "USD"} | {field: CARD}
    response = await api.create(body)
    assert problem(response) == (400, "card_number_refused")
    assert CARD not in response.text
    assert not api.store.streams


@pytest.mark.parametrize("key", [CARD, f'"{CARD}"', "4242 4242 4242 4242"])
async def test_a_card_number_as_the_key_is_refused_and_nowhere_repeated(
    api: Standing, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        response = await api.create(Idempotency_Key=key)
    assert problem(response) == (400, "card_number_refused")
    assert "idempotency-key" not in response.headers
    output = f"{response.text}{response.headers}{logs}{capsys.readouterr()}"
    assert CARD not in output.replace(" ", "")
    assert not api.store.streams


async def test_a_card_number_as_the_id_of_a_request_is_not_kept(api: Standing) -> None:
    trace = f"00-4bf92f3577b34da6a3ce929d0e0e4736-{CARD}-01"
    response = await api.create(X_Request_ID=CARD, X_Correlation_ID=f"card:{CARD}", traceparent=trace)
    assert response.status_code == 201
    (event,) = api.store.streams[uuid.UUID(response.json()["id"])]
    assert CARD not in json.dumps(event.metadata.to_dict())
    assert event.metadata.request_id == response.headers["x-request-id"]
    assert event.metadata.traceparent is None


@pytest.mark.parametrize(
    ("content", "member"),
    [
        (b'{"user_id": "u", "amount_cents": 1000, "amount_cents": 900000, "currency": "USD"}', "amount_cents"),
        (b'{"user_id": "u", "amount_cents": 1000, "amount_cents": 1000, "currency": "USD"}', "amount_cents"),
        (b'{"user_id": "u", "amount_cents": 1000, "amount\\u005fcents": 1, "currency": "USD"}', "amount_cents"),
        (b'{"user_id": "u", "amount_cents": 1000, "currency": "USD", "metadata": {"a": "1", "a": "2"}}', "'a'"),
    ],
)
async def test_an_object_that_has_a_member_twice_is_refused(api: Standing, content: bytes, member: str) -> None:
    response = await api.client.post("/payments", content=content)
    assert response.status_code == 422
    assert member in response.json()["errors"][0]["message"]
    assert "900000" not in response.text
    assert api.store.streams == {}


async def test_a_repeated_member_that_is_a_card_number_is_not_repeated(api: Standing) -> None:
    response = await api.client.post("/payments", content=f'{{"{CARD}": 1, "{CARD}": 2}}'.encode())
    assert problem(response)[1] == "card_number_refused"
    assert CARD not in response.text


@pytest.mark.parametrize(
    ("member", "field"),
    [
        ({"user_id": FORGED}, "user_id"),
        ({"description": FORGED}, "description"),
        ({"metadata": {"order": FORGED}}, "metadata.order"),
        ({"metadata": {FORGED: "1"}}, "metadata"),
        ({"legs": [{"a": FORGED}]}, "legs.0.a"),
    ],
)
@pytest.mark.parametrize("spelled", [str, lambda text: text.replace("encrypted:", "\\u0065ncrypted:")])
async def test_what_looks_encrypted_by_us_is_refused(api: Standing, member: Any, field: str, spelled: Any) -> None:
    """Who reads events would look for its key, and an erasure would destroy that."""
    body = {"user_id": "u", "amount_cents": 1000, "currency": "USD"} | member
    content = spelled(json.dumps(body))
    response = await api.client.post("/payments", content=content, headers={"Content-Type": "application/json"})
    assert problem(response) == (422, "invalid_request")
    assert [each["field"] for each in response.json()["errors"]] == [field]
    assert not api.store.streams


async def test_a_key_that_looks_encrypted_by_us_is_refused(api: Standing) -> None:
    body = {"user_id": "u", "amount_cents": 1000, "currency": "USD"}
    refused = await api.create(body, Idempotency_Key=FORGED)
    assert problem(refused) == (400, "idempotency_key_invalid")
    assert (await api.create(body | {"description": f"It was {FORGED}"}, Idempotency_Key="k")).status_code == 201


async def test_a_body_that_is_nested_too_deeply_is_refused(api: Standing) -> None:
    response = await api.client.post("/payments", content=b'{"metadata":' * 1000 + b"1" + b"}" * 1000)
    assert problem(response) == (400, "invalid_request")


def largest_body(char: str) -> dict[str, Any]:
    """Return a payment of which every member is as long as it may be."""
    metadata = {f"{number:02}" + char * 38: char * 500 for number in range(48)}
    texts = {"user_id": char * 500, "description": char * 1000, "statement_descriptor_suffix": "A" * 22}
    return {"amount_cents": 1000, "currency": "USD", "customer": "cus_" + "x" * 251, "metadata": metadata, **texts}


@pytest.mark.parametrize("char", ["x", "\N{CJK UNIFIED IDEOGRAPH-4E2D}", "\N{GRINNING FACE}", "\x01", '"', "\\"])
@pytest.mark.parametrize("is_ascii", [True, False])
async def test_what_is_within_each_limit_fits_however_it_is_written(api: Standing, char: str, is_ascii: bool) -> None:
    body = largest_body(char)
    content = json.dumps(body, ensure_ascii=is_ascii, indent=4).encode()
    assert MAX_BODY_BYTES > 12 * 540 * 48
    response = await api.client.post("/payments", content=content)
    assert response.status_code == 201, response.text
    (events,) = api.store.streams.values()
    assert json.loads(events[0].data)["metadata"] == body["metadata"]
    assert len(events[0].data) < MAX_EVENT_BYTES / 2, "as much again is Stripe's own in the event that brings it back"


async def test_a_larger_body_than_any_payment_needs_is_refused(api: Standing) -> None:
    for padding, expected in ((MAX_BODY_BYTES - 100, 422), (MAX_BODY_BYTES, 413)):
        content = json.dumps({"unknown": "x" * padding}).encode()
        response = await api.client.post("/payments", content=content)
        assert response.status_code == expected
    assert problem(response) == (413, "body_too_large")

    async def chunks() -> Any:
        for _ in range(MAX_BODY_BYTES // 1024 + 2):
            yield b"x" * 1024

    assert problem(await api.client.post("/payments", content=chunks())) == (413, "body_too_large")


async def test_a_body_that_is_declared_as_something_else_is_refused(api: Standing) -> None:
    response = await api.client.post("/payments", data={"user_id": "u"})
    assert problem(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "text/json", "application/jsonp", "application/x-www-form-urlencoded", "", "json", "*/*"),
        *(
            "application/json; charset=utf-16",
            "application/json;charset=latin-1",
            "application/json;charset=utf-8;charset=utf-16",
            "application/json;charset*=utf-8''utf-8",
            "application/xml, application/json",
        ),
    ],
)
async def test_only_json_in_utf_8_is_taken(api: Standing, content_type: str) -> None:
    response = await api.client.post("/payments", content=b"{}", headers={"Content-Type": content_type})
    assert problem(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
async def test_json_is_declared_in_any_spelling(api: Standing, content_type: str) -> None:
    response = await api.client.post("/payments", content=b"{}", headers={"Content-Type": content_type})
    assert problem(response) == (422, "invalid_request")


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x-unknown"])
@pytest.mark.parametrize("path", ["/payments", "/webhooks/stripe"])
async def test_a_body_that_is_packed_is_refused(api: Standing, path: str, coding: str) -> None:
    response = await api.client.post(path, content=b"{}", headers={"Content-Encoding": coding})
    assert problem(response) == (415, "unsupported_media_type")
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("path", ["/payments", "/webhooks/stripe"])
@pytest.mark.parametrize("authorization", [b"Bearer sk_writer", b""])
async def test_a_client_that_hangs_up_in_its_body_is_no_fault_of_ours(
    api: Standing, path: str, authorization: bytes
) -> None:
    received: Iterator[Message] = iter(
        [
            {"type": "http.request", "body": b'{"user_id"', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return next(received)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", authorization), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    with capture_logs() as logs:
        await api.app(scope, receive, send)
    assert not [line for line in logs if line["log_level"] in {"error", "critical"}]
    assert sent[0]["status"] < 500
    assert api.store.streams == {}


async def test_an_exempted_field_may_look_like_a_card_number_and_no_other(api: Standing) -> None:
    exempt = frozenset({"metadata.order_id", "Idempotency-Key"})
    api.app.state.payments = replace(api.app.state.payments, card_number_exempt=exempt)
    body = {"user_id": "u", "amount_cents": 1000, "currency": "USD"}
    accepted = await api.create(body | {"metadata": {"order_id": CARD}}, Idempotency_Key=CARD)
    assert accepted.status_code == 201
    for refused in ({"metadata": {"order_id": CARD, "note": CARD}}, {"description": CARD}, {"order_id": CARD}):
        assert problem(await api.create(body | refused))[1] == "card_number_refused"
