"""Webhooks to the merchant: endpoints, deliveries, and resending one."""

import pytest

from schemas.http.webhook_endpoints import WebhookDeliveryView, WebhookEndpointView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, example

ENDPOINT, DELIVERY = example(WebhookEndpointView), example(WebhookDeliveryView)
PLACE = f"/webhook-endpoints/{ENDPOINT['id']}"
HERE = f"/webhooks/{ENDPOINT['id']}"
RESEND = f"{HERE}/deliveries/{DELIVERY['id']}/resend"
RESEND_AT_API = f"POST {PLACE}/deliveries/{DELIVERY['id']}/resend"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "On"),
        ({"failing_since": "2026-05-01T10:06:40.123Z"}, "Failing for"),
        ({"enabled": False, "disabled_because": "gone"}, "Off it answered that it is gone"),
        ({"enabled": False}, "Off by the merchant"),
    ],
)
async def test_an_endpoint_says_how_it_is(operator: BackOffice, changes: dict[str, object], said: str) -> None:
    operator.command_api.answers["GET /webhook-endpoints"] = {"data": [{**ENDPOINT, **changes}]}
    page = await operator.page("/webhooks")
    assert said in page.text
    assert HERE in page.links


async def test_without_an_endpoint_it_says_how_one_is_made(operator: BackOffice) -> None:
    operator.command_api.answers["GET /webhook-endpoints"] = {"data": []}
    assert "POST /webhook-endpoints" in (await operator.page("/webhooks")).text


async def test_deliveries_show_each_attempt_and_lead_to_their_payment(operator: BackOffice) -> None:
    failed = {**DELIVERY, "status": "failed"}
    operator.command_api.answers[f"GET {PLACE}/deliveries"] = {"data": [failed], "has_more": True, "next_before": 42}
    page = await operator.page(f"{HERE}?status=failed")
    assert dict(operator.command_api.requested[-1].url.params) == {"limit": "25", "status": "failed"}
    for said in ("Failed for good", "payment.authorized", "200", "87 ms"):
        assert said in page.text
    assert f"/payments/{DELIVERY['payment_id']}" in page.links
    assert f"{HERE}?status=failed&before=42" in page.links


async def test_a_delivery_is_sent_once_more(operator: BackOffice) -> None:
    operator.command_api.answers[RESEND_AT_API] = {"id": DELIVERY["id"], "status": "pending"}
    form = (await operator.page(HERE)).form(RESEND)
    answer = await operator.browser.post(form.action, data=form.fields)
    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    assert len(operator.command_api.commands()) == 1
    assert "sent once more" in (await operator.page(HERE)).text


async def test_what_is_refused_says_why(operator: BackOffice) -> None:
    operator.command_api.answers[RESEND_AT_API] = a_problem(
        409, "webhook_endpoint_disabled", "The endpoint is disabled"
    )
    form = (await operator.page(HERE)).form(RESEND)
    await operator.browser.post(form.action, data=form.fields)
    assert "It was not sent: The endpoint is disabled." in (await operator.page(HERE)).text


async def test_a_form_of_another_session_sends_nothing(operator: BackOffice) -> None:
    answer = await operator.browser.post(RESEND, data={"csrf_token": "x"})
    assert answer.status_code == 403
    assert "not of this session" in HtmlPage(answer.text).text
    assert operator.command_api.commands() == []
