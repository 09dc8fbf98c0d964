"""Merchants with their keys and webhook endpoints; a key that is rotated is shown once, and one is revoked."""

import httpx
import pytest

from schemas.http.access import ApiKeyView, ApiKeyWithSecret, MerchantView
from schemas.http.webhook_endpoints import WebhookEndpointView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, body_of, example

MERCHANT, KEY, MADE = example(MerchantView), example(ApiKeyView), example(ApiKeyWithSecret)
PLACE = f"/merchants/{MERCHANT['id']}"
ROTATE, REVOKE = f"/api-keys/{KEY['id']}/rotate", f"/api-keys/{KEY['id']}/revoke"
ENDPOINT = example(WebhookEndpointView)


def parameters_of(office: BackOffice, path: str) -> dict[str, str]:
    """Return the parameters of the newest request for a path."""
    return dict(next(each for each in office.command_api.requested[::-1] if each.url.path == path).url.params)


async def test_merchants_are_found_by_a_part_of_their_name(operator: BackOffice) -> None:
    operator.command_api.answers["GET /merchants"] = {"data": [MERCHANT], "next_after": "shop"}
    page = await operator.page("/merchants?search=%20a%20sh%20")
    assert parameters_of(operator, "/merchants") == {"limit": "50", "search": "a sh"}
    assert page.form("/merchants").fields["search"] == "a sh"
    assert PLACE in page.links
    assert "/merchants?search=a+sh&after=shop" in page.links
    await operator.page("/merchants?after=shop")
    assert parameters_of(operator, "/merchants") == {"limit": "50", "after": "shop"}


async def test_without_a_merchant_the_page_says_what_to_do(operator: BackOffice) -> None:
    operator.command_api.answers["GET /merchants"] = {"data": [], "next_after": None}
    assert "/new-merchant" in (await operator.page("/merchants")).links
    assert "No merchant has this" in (await operator.page("/merchants?search=x")).text


async def test_a_merchant_shows_its_keys_and_its_endpoints(operator: BackOffice) -> None:
    failing = {**ENDPOINT, "failing_since": "2026-05-01T10:06:40.123Z"}
    operator.command_api.answers[f"GET {PLACE}/webhook-endpoints"] = {"data": [failing]}
    page = await operator.page(PLACE)
    for said in ("A shop", f"{KEY['prefix']}…", "payments:read, payments:write", "2026-05-02 09:00:00 UTC"):
        assert said in page.text
    assert "Failing for" in page.text
    assert parameters_of(operator, "/api-keys") == {"merchant_id": "shop"}
    assert {ROTATE, REVOKE, f"{PLACE}/webhooks/{ENDPOINT['id']}?status=failed"} <= set(page.links)
    await operator.page(f"{PLACE}?ended=yes")
    assert parameters_of(operator, "/api-keys") == {"merchant_id": "shop", "ended": "true"}


@pytest.mark.parametrize(
    ("changes", "said", "offered"),
    [
        ({}, "Valid", {ROTATE, REVOKE}),
        ({"revoked_at": "2026-05-01T10:06:40.123Z"}, "Revoked", set()),
        ({"expires_at": "2026-05-01T10:06:40.123Z"}, "Expired", set()),
        ({"replaced_by": KEY["id"], "expires_at": "2999-01-01T00:00:00Z"}, "Replaced, still valid", {REVOKE}),
        ({"source": "setting", "prefix": None, "created_at": None, "id": "development"}, "Change API_KEYS", set()),
    ],
)
async def test_a_key_offers_what_can_still_be_done(
    operator: BackOffice, changes: dict[str, object], said: str, offered: set[str]
) -> None:
    operator.command_api.answers["GET /api-keys"] = {"data": [{**KEY, **changes}]}
    for address in (PLACE, "/operator-keys"):
        page = await operator.page(address)
        assert said in page.text
        assert {link for link in page.links if link.startswith("/api-keys/")} == offered
    assert parameters_of(operator, "/api-keys") == {"operators": "true"}


async def test_an_auditor_sees_keys_and_is_offered_nothing(back_office: BackOffice) -> None:
    await back_office.log_in("auditor")
    page = await back_office.page(PLACE)
    assert KEY["prefix"] in page.text
    assert not [link for link in page.links if link.startswith("/api-keys/")]


async def test_a_rotated_key_is_shown_on_one_page_alone(operator: BackOffice) -> None:
    operator.command_api.answers[f"POST {ROTATE}"] = httpx.Response(
        201, json={**MADE, "key": "psk_live_Ab12Cd34secret"}
    )
    answer = await operator.send(ROTATE, reason="once a year", hours="48")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert "psk_live_Ab12Cd34secret" in HtmlPage(answer.text).text
    (command,) = operator.command_api.commands()
    assert body_of(command) == {"reason": "once a year", "old_valid_hours": 48}
    assert command.headers["paystream-actor"] == "operator"
    assert "psk_live_Ab12Cd34secret" not in (await operator.page(PLACE)).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hours": "a day", "reason": "r"}, "A whole number from 0 to 720"),
        ({"hours": "721", "reason": "r"}, "A whole number from 0 to 720"),
        ({"hours": "1", "reason": " "}, "Say why"),
    ],
)
async def test_an_incomplete_rotation_sends_nothing(operator: BackOffice, changes: dict[str, str], said: str) -> None:
    answer = await operator.send(ROTATE, **changes)
    assert answer.status_code == 422
    assert said in HtmlPage(answer.text).text
    assert operator.command_api.commands() == []


async def test_a_key_is_revoked_with_a_reason(operator: BackOffice) -> None:
    operator.command_api.answers[f"POST {REVOKE}"] = {"said": "It is revoked. The APIs refuse it within seconds."}
    answer = await operator.send(REVOKE, reason="found in a log")
    assert (answer.status_code, answer.headers["location"]) == (303, PLACE)
    assert body_of(operator.command_api.commands()[0]) == {"reason": "found in a log"}
    assert "It is revoked" in (await operator.page(PLACE)).text


async def test_where_keys_cannot_be_changed_the_form_says_so(operator: BackOffice) -> None:
    detail = "This command API has no ACCESS_DATABASE_URL: use paystream keys."
    operator.command_api.answers[f"POST {REVOKE}"] = a_problem(501, "access_not_configured", detail)
    answer = await operator.send(REVOKE, reason="found in a log")
    assert answer.status_code == 501
    assert detail in HtmlPage(answer.text).text
    assert "found in a log" in answer.text, "what was written stays"


async def test_a_revoked_key_cannot_be_rotated(operator: BackOffice) -> None:
    operator.command_api.answers[f"GET /api-keys/{KEY['id']}"] = {**KEY, "revoked_at": "2026-05-01T10:06:40.123Z"}
    page = await operator.page(ROTATE)
    assert "come to an end" in page.text
    assert ROTATE not in [form.action for form in page.forms]


async def test_deliveries_of_another_merchant_are_only_looked_at(operator: BackOffice) -> None:
    here = f"{PLACE}/webhooks/{ENDPOINT['id']}"
    page = await operator.page(f"{here}?status=failed")
    assert parameters_of(operator, f"{PLACE}/webhook-endpoints/{ENDPOINT['id']}/deliveries") == {
        "limit": "25",
        "status": "failed",
    }
    assert f"{here}?status=pending" in page.links
    assert not [form for form in page.forms if "resend" in form.action]


async def test_what_is_no_merchant_leads_nowhere_else(operator: BackOffice) -> None:
    await operator.browser.get("/merchants/..%2Fapi-keys")
    assert all(each.url.raw_path.startswith((b"/merchants/%2E%2E%2F", b"/api-keys?")) for each in reads(operator))


def reads(office: BackOffice) -> list[httpx.Request]:
    return [each for each in office.command_api.requested if each.method == "GET"]
