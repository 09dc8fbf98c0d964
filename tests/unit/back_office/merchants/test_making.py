"""A merchant and its key are made with a reason; the key is shown on one page alone, and mistakes send nothing."""

import httpx
import pytest

from schemas.http.access import ApiKeyWithSecret, MerchantView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, away, body_of, example

MERCHANT, MADE = example(MerchantView), {**example(ApiKeyWithSecret), "key": "psk_live_Ab12Cd34secret"}
NEW_KEY = f"/new-key?merchant_id={MERCHANT['id']}"
FILLED = {"merchant_id": "shop", "merchant_name": "A shop", "reason": "contract 17"}


@pytest.fixture
async def operator(back_office: BackOffice) -> BackOffice:
    await back_office.log_in("operator")
    back_office.command_api.answers |= {
        "POST /merchants": httpx.Response(201, json=MERCHANT),
        "POST /api-keys": httpx.Response(201, json=MADE),
    }
    return back_office


async def test_a_merchant_is_made_and_shown(operator: BackOffice) -> None:
    answer = await operator.send("/new-merchant", **FILLED)
    assert (answer.status_code, answer.headers["location"]) == (303, "/merchants/shop")
    (command,) = operator.command_api.commands()
    assert body_of(command) == {"id": "shop", "name": "A shop", "reason": "contract 17"}
    assert command.headers["paystream-actor"] == "operator"
    page = await operator.page("/merchants/shop")
    assert "A shop is there. It has no key yet." in page.text
    assert NEW_KEY in page.links


async def test_a_key_is_for_what_was_chosen_and_shown_once(operator: BackOffice) -> None:
    chosen = {"payments:read": "yes", "refunds:write": "yes"}
    answer = await operator.send(NEW_KEY, days="30", reason="the checkout", **chosen)
    assert answer.status_code == 201
    assert MADE["key"] in HtmlPage(answer.text).text
    sent = {"merchant_id": "shop", "scopes": ["payments:read", "refunds:write"], "days": 30, "reason": "the checkout"}
    assert body_of(operator.command_api.commands()[0]) == sent
    assert MADE["key"] not in (await operator.page("/merchants/shop")).text


@pytest.mark.parametrize(
    ("address", "changes", "said"),
    [
        ("/new-merchant", {**FILLED, "merchant_id": "a shop"}, "A letter or digit"),
        ("/new-merchant", {**FILLED, "merchant_name": " "}, "1 to 200 characters"),
        ("/new-merchant", {**FILLED, "reason": ""}, "Say why"),
        (NEW_KEY, {"reason": "r"}, "Choose what it is for"),
        (NEW_KEY, {"reason": "r", "payments:read": "yes", "days": "0"}, "from 1 to 3650"),
        (NEW_KEY, {"reason": "x" * 501, "payments:read": "yes"}, "500 characters at most"),
    ],
)
async def test_a_mistake_is_named_and_sends_nothing(
    operator: BackOffice, address: str, changes: dict[str, str], said: str
) -> None:
    answer = await operator.send(address, **changes)
    assert answer.status_code == 422
    assert said in HtmlPage(answer.text).text
    assert operator.command_api.commands() == []


@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (a_problem(409, "operation_refused", "there is a merchant shop already"), 409, "a merchant shop already"),
        (a_problem(501, "access_not_configured", "no ACCESS_DATABASE_URL"), 501, "no ACCESS_DATABASE_URL"),
        (away, 503, "may have done this, or not"),
    ],
)
async def test_what_stands_in_the_way_is_said_and_the_text_stays(
    operator: BackOffice, refusal: object, status: int, said: str
) -> None:
    operator.command_api.answers["POST /merchants"] = refusal
    answer = await operator.send("/new-merchant", **FILLED)
    assert answer.status_code == status
    page = HtmlPage(answer.text)
    assert said in page.text
    assert page.form("/new-merchant").fields["merchant_id"] == "shop"
    assert "contract 17" in answer.text


async def test_a_key_of_nobody_is_not_made(operator: BackOffice) -> None:
    assert "Not found" in (await operator.page("/new-key?merchant_id=nobody", status=404)).text
