"""What the sandbox's log tells of a request: which payment, and nothing that was sent."""

import uuid
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

INTENTS = "/v1/payment_intents"


async def logged(stripe_http: StripeHttp, path: str, **params: Any) -> dict[str, Any]:
    with capture_logs() as lines:
        await stripe_http.post(path, **params)
    (line,) = lines
    return dict(line)


async def test_a_change_is_one_line_with_its_payment(stripe_http: StripeHttp) -> None:
    payment_id = str(uuid.uuid4())
    line = await logged(stripe_http, INTENTS, **PAYMENT, metadata={"paystream_payment_id": payment_id})
    assert line.pop("duration_ms") > 0
    assert line == {
        "event": "http_request",
        "log_level": "info",
        "method": "POST",
        "path": INTENTS,
        "status": 200,
        "payment_id": payment_id,
    }


async def test_a_change_that_does_not_name_its_payment_is_known_by_the_object(stripe_http: StripeHttp) -> None:
    payment_id = str(uuid.uuid4())
    intent = await stripe_http.pay(confirm=False, metadata={"paystream_payment_id": payment_id})
    line = await logged(stripe_http, f"{INTENTS}/{intent['id']}/confirm")
    assert (line["path"], line["status"], line["payment_id"]) == (f"{INTENTS}/{{intent}}/confirm", 200, payment_id)


async def test_a_refusal_is_logged_too(stripe_http: StripeHttp) -> None:
    line = await logged(stripe_http, INTENTS, secret_key="", amount="x")
    assert (line["status"], line["payment_id"]) == (401, None)
    line = await logged(stripe_http, "/v1/no_such_thing/7")
    assert (line["path"], line["status"]) == ("unmatched", 404)


@pytest.mark.parametrize("value", ["pi_1_secret_abc", "x" * 36, ""])
async def test_what_is_no_id_stays_out_of_the_log(stripe_http: StripeHttp, value: str) -> None:
    line = await logged(stripe_http, INTENTS, **PAYMENT, metadata={"paystream_payment_id": value})
    assert line["payment_id"] is None
    assert not any("secret" in str(field) for field in line.values())


async def test_a_metadata_text_that_looks_like_a_member_is_not_taken_for_one(stripe_http: StripeHttp) -> None:
    trick = f'"paystream_payment_id":"{uuid.uuid4()}"'
    line = await logged(stripe_http, INTENTS, **PAYMENT, metadata={"order": trick})
    assert line["payment_id"] is None


async def test_reading_is_not_logged(stripe_http: StripeHttp) -> None:
    with capture_logs() as lines:
        await stripe_http.get(INTENTS)
    assert lines == []
