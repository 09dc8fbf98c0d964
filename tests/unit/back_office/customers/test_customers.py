"""A customer: totals by currency, disputes, and all payments."""

import pytest

from schemas.http.payment_views import DisputeView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_page, a_payment, example


@pytest.mark.parametrize("role", ["support", "finance", "operator", "auditor"])
async def test_a_customer_is_totals_disputes_and_payments(back_office: BackOffice, role: str) -> None:
    await back_office.log_in(role)
    dispute = example(DisputeView)
    answers = back_office.query_api.answers
    answers["GET /payments"] = a_page(a_payment(user_id="a/b c", dispute=dispute), cursor="next")
    page = await back_office.page("/customers?user_id=a/b%20c")
    for said in ("1,200.00 USD", "12 10 succeeded", "Disputed"):
        assert said in page.text
    assert f"/payments/{PAYMENT_ID}" in page.links
    assert "/customers?user_id=a%2Fb+c&cursor=next" in page.links
    requested = {request.url.path: dict(request.url.params) for request in back_office.query_api.requested}
    assert requested["/customer-totals"] == {"user_id": "a/b c"}
    parameters = [dict(each.url.params) for each in back_office.query_api.requested if each.url.path == "/payments"]
    assert {"user_id": "a/b c", "disputed": "true", "limit": "25"} in parameters


async def test_a_payment_in_a_list_leads_to_its_customer(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page(a_payment(user_id="a&b"))
    assert "/customers?user_id=a%26b" in (await finance.page("/payments")).links


async def test_a_user_whose_id_has_blanks_around_it_is_no_other_user(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page(a_payment(user_id=" ada "))
    (link,) = [each for each in (await finance.page("/payments")).links if each.startswith("/customers?")]
    finance.query_api.requested.clear()
    await finance.page(link)
    assert {each.url.params["user_id"] for each in finance.query_api.requested} == {" ada "}


@pytest.mark.parametrize(
    ("query", "said"), [("", "as payments name them"), ("?user_id=nobody", "No payment names this user")]
)
async def test_nobody_says_what_to_do(finance: BackOffice, query: str, said: str) -> None:
    finance.query_api.answers |= {"GET /customer-totals": {"user_id": "nobody", "data": []}, "GET /payments": a_page()}
    assert said in (await finance.page(f"/customers{query}")).text


async def test_blanks_alone_are_nobody(finance: BackOffice) -> None:
    page = await finance.page("/customers?user_id=%20%20")
    assert "as payments name them" in page.text
    assert finance.query_api.requested == []


async def test_blanks_around_an_id_are_pointed_out(finance: BackOffice) -> None:
    finance.query_api.answers |= {"GET /customer-totals": {"user_id": "ada", "data": []}, "GET /payments": a_page()}
    assert "/customers?user_id=ada" in (await finance.page("/customers?user_id=%20ada%20")).links
