"""No form loses what was written into it when its session ends before it is sent."""

import httpx
import pytest

from schemas.http.access import MerchantView
from tests.support.html_page import Form, HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import a_payment, example
from tests.unit.back_office.test_pages import DEAD_LETTER, DISCREPANCY, ENDPOINT, KEY, PAYMENT, SAGA, TASK

NEW_KEY = f"/new-key?merchant_id={example(MerchantView)['id']}"
REPLAY = "/dead-letters/replay?consumer=projector&limit=12"
PERSONAL_DATA = "/customers/personal-data?user_id=customer_1001"
PAGE_OF = {  # of forms that are sent to another address than that of their page
    "/new-key": NEW_KEY,
    "/dead-letters/replay": REPLAY,
    "/customers/erase": PERSONAL_DATA,
    "/customers/hand-out": PERSONAL_DATA,
    "/payment-views": "/payments?status=succeeded&columns=key",
}
FORMS = (
    *(("finance", f"{PAYMENT}/{action}") for action in ("refund", "capture", "cancel")),
    *(("finance", f"{DISCREPANCY}/{name}") for name in ("explain", "resolve", "assign")),
    *(("operator", f"{each}/{name}") for each in (TASK, SAGA) for name in ("retry", "give-up")),
    *(("operator", f"{DEAD_LETTER}/{name}") for name in ("replay", "discard")),
    *(("operator", f"{KEY}/{name}") for name in ("rotate", "revoke")),
    *(("operator", f"/staff/finance/{name}") for name in ("lock", "unlock", "end-sessions")),
    *(("operator", form) for form in ("/new-merchant", *PAGE_OF)),
)


def posted(page: HtmlPage, action: str) -> Form:
    """Return the form that does something; one that only shows something may be sent to the same address."""
    return next(form for form in page.forms if (form.action, form.method) == (action, "post"))


async def filled(office: BackOffice, role: str, action: str) -> Form:
    """Return the form with something in every field of it that somebody writes into."""
    held = a_payment(status="requires_capture", amount_captured_cents=5, amount_capturable_cents=1000)
    office.query_api.answers[f"GET {PAYMENT}"] = held
    await office.log_in(role)
    form = posted(await office.page(PAGE_OF.get(action, action)), action)
    form.fields |= {name: "duplicate" if name == "reason" else "12" for name in set(form.fields) - form.hidden}
    return form


async def keeps(office: BackOffice, form: Form, address: str) -> None:
    """See that what was written is in the form at an address."""
    shown = posted(await office.page(address), form.action)
    stays = set(form.fields) - {"csrf_token"}
    assert {name: shown.fields[name] for name in stays} == {name: form.fields[name] for name in stays}
    assert all(b"preview" in each.content for each in office.command_api.commands()), "nothing was done"


@pytest.mark.parametrize(("role", "action"), FORMS)
async def test_a_log_in_in_between_loses_no_text(back_office: BackOffice, role: str, action: str) -> None:
    form = await filled(back_office, role, action)
    back_office.browser.cookies.clear()
    refused = await back_office.browser.post(action, data=form.fields)
    then = httpx.URL(refused.headers["location"]).params["next"]
    again = await back_office.log_in(role, then=then)
    await keeps(back_office, form, again.headers["location"])


@pytest.mark.parametrize(("role", "action"), FORMS)
async def test_a_log_in_in_another_tab_loses_no_text(back_office: BackOffice, role: str, action: str) -> None:
    form = await filled(back_office, role, action)
    await back_office.log_in(role)
    refused = await back_office.browser.post(action, data=form.fields)
    assert refused.status_code == 403
    page = HtmlPage(refused.text)
    assert "Try again shows the form with what you wrote" in page.text
    await keeps(back_office, form, page.links[-2])


async def test_the_scopes_that_were_ticked_stay_ticked(back_office: BackOffice) -> None:
    form = await filled(back_office, "operator", "/new-key")
    back_office.browser.cookies.clear()
    refused = await back_office.browser.post("/new-key", data={**form.fields, "payments:read": "yes"})
    again = await back_office.log_in("operator", then=httpx.URL(refused.headers["location"]).params["next"])
    fields = (await back_office.page(again.headers["location"])).form("/new-key").fields
    assert [name for name in fields if ":" in name] == ["payments:read"]


@pytest.mark.parametrize(
    ("action", "fields", "page"),
    [
        ("/exports", {"what": "payments", "format": "csv", "filters": "status=failed"}, "/payments?status=failed"),
        ("/exports", {"what": "ledger_entries", "format": "csv"}, "/ledger/entries"),
        ("/exports", {"what": "secrets"}, "/payments"),
        (f"{ENDPOINT}/deliveries/42/resend", {}, ENDPOINT),
        ("/sessions/revoke", {"number": "2"}, "/sessions"),
    ],
)
async def test_a_log_in_leads_to_the_page_with_the_button(
    back_office: BackOffice, action: str, fields: dict[str, str], page: str
) -> None:
    refused = await back_office.browser.post(action, data={"csrf_token": "old", **fields})
    assert httpx.URL(refused.headers["location"]).params["next"] == page
    again = await back_office.log_in("operator", then=page)
    assert again.headers["location"] == page
    await back_office.page(page)


async def test_what_another_site_sends_is_shown_nowhere(finance: BackOffice) -> None:
    forged = {"csrf_token": "x", "reason": "their words"}
    answer = await finance.browser.post(f"{PAYMENT}/refund", data=forged, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "their" not in answer.text
