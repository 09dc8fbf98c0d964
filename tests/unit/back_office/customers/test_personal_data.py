"""Personal data of a customer: a preview first, a reason, the id once more; then it is erased or handed out."""

import httpx
import pytest

from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_problem, body_of

PAGE = "/customers/personal-data?user_id=customer_1001"


async def erase(office: BackOffice, **changes: str) -> httpx.Response:
    fields = (await office.page(PAGE)).form("/customers/erase").fields
    return await office.browser.post("/customers/erase", data={**fields, **changes})


async def test_the_preview_says_what_is_reached_and_what_not(back_office: BackOffice) -> None:
    await back_office.log_in("operator")
    assert PAGE in (await back_office.page("/customers?user_id=customer_1001")).links
    page = await back_office.page(PAGE)
    for said in ("12 payments", "Cannot be reached", "Backups of the keys", "2 objects", "pi_3PXample"):
        assert said in page.text
    assert back_office.command_api.commands() == []


async def test_who_has_blanks_around_their_id_is_erased_and_nobody_else(back_office: BackOffice) -> None:
    await back_office.log_in("operator")
    form = (await back_office.page("/customers/personal-data?user_id=%20ada%20")).form("/customers/erase")
    (preview,) = [each for each in back_office.command_api.requested if each.url.path == "/privacy/user-data"]
    assert preview.url.params["user_id"] == " ada "
    refused = {**form.fields, "reason": "a letter", "confirmed": "ada"}
    assert (await back_office.browser.post("/customers/erase", data=refused)).status_code == 422
    await back_office.browser.post("/customers/erase", data=refused | {"confirmed": " ada "})
    (command,) = back_office.command_api.commands()
    assert body_of(command)["user_id"] == " ada "


async def test_an_erasure_has_a_name_and_a_reason(back_office: BackOffice) -> None:
    await back_office.log_in("operator")
    answer = await erase(back_office, reason="a letter", confirmed="customer_1001")
    assert answer.status_code == 200
    text = HtmlPage(answer.text).text
    assert "Keys destroyed 2" in text
    assert "Still at Stripe" in text
    (command,) = back_office.command_api.commands()
    assert body_of(command) == {"user_id": "customer_1001", "reason": "a letter"}
    assert command.headers["paystream-actor"] == "operator"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " ", "confirmed": "customer_1001"}, "Say why"),
        ({"reason": "a letter", "confirmed": "customer_1002"}, "exactly as above"),
    ],
)
async def test_nothing_is_erased_by_mistake(back_office: BackOffice, changes: dict[str, str], said: str) -> None:
    await back_office.log_in("operator")
    answer = await erase(back_office, **changes)
    assert answer.status_code == 422
    assert said in HtmlPage(answer.text).text
    assert back_office.command_api.commands() == []


async def test_what_is_refused_is_said(back_office: BackOffice) -> None:
    await back_office.log_in("operator")
    refusal = a_problem(409, "erasure_refused", "2 payments of this user are under way")
    back_office.command_api.answers["POST /privacy/erasures"] = refusal
    answer = await erase(back_office, reason="a letter", confirmed="customer_1001")
    assert answer.status_code == 409
    assert "Nothing was erased. 2 payments of this user are under way" in HtmlPage(answer.text).text


async def test_everything_is_handed_out_as_a_file(back_office: BackOffice) -> None:
    await back_office.log_in("operator")
    fields = (await back_office.page(PAGE)).form("/customers/hand-out").fields
    refused = await back_office.browser.post("/customers/hand-out", data={**fields, "export_reason": ""})
    assert refused.status_code == 422
    answer = await back_office.browser.post("/customers/hand-out", data={**fields, "export_reason": "a letter"})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.json()["user_id"] == "customer_1001"


@pytest.mark.parametrize("role", ["support", "finance", "auditor"])
async def test_others_may_not(back_office: BackOffice, role: str) -> None:
    await back_office.log_in(role)
    assert (await back_office.browser.get(PAGE)).status_code == 403
    assert PAGE not in (await back_office.page("/customers?user_id=customer_1001")).links
