"""One box: what it asks for, and what it shows."""

import httpx
import pytest

from schemas.http.ledger import LedgerEntry
from schemas.http.stripe_events import StripeEventView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, PAYOUT_ID, a_page, a_payment, a_problem, away, example

OTHER_ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6099"


def requested(back_office: BackOffice) -> set[str]:
    return {
        f"{request.url.path}?{request.url.query.decode()}".removesuffix("?").replace("&limit=10", "")
        for request in back_office.query_api.requested
    }


async def test_a_payments_id_leads_to_it_at_once(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page()
    answer = await finance.browser.get("/search", params={"q": f"  {PAYMENT_ID.upper()} "})
    assert answer.headers["location"] == f"/payments/{PAYMENT_ID}"


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("pi_3PXample", {"/payments?stripe_payment_intent_id=pi_3PXample"}),
        ("re_3PXample", {"/ledger/entries?source_id=re_3PXample"}),
        (
            "order-1001",
            {
                "/payments?idempotency_key=order-1001",
                "/payments?user_id=order-1001",
                "/payments?request_id=order-1001",
                "/payments?correlation_id=order-1001",
            },
        ),
        ("an order", {"/payments?idempotency_key=an+order", "/payments?user_id=an+order"}),
        (
            "500",
            {
                "/payments?idempotency_key=500",
                "/payments?user_id=500",
                "/payments?request_id=500",
                "/payments?correlation_id=500",
                "/payments?decimal_amount=500",
            },
        ),
        (
            "1,234.50 usd",
            {
                "/payments?idempotency_key=1%2C234.50+usd",
                "/payments?user_id=1%2C234.50+usd",
                "/payments?decimal_amount=1234.50&currency=USD",
            },
        ),
    ],
)
async def test_only_what_an_id_can_be_of_is_asked_for(finance: BackOffice, text: str, looks: set[str]) -> None:
    await finance.browser.get("/search", params={"q": text})
    assert requested(finance) == looks


async def test_a_refund_at_stripe_leads_to_its_payment(finance: BackOffice) -> None:
    entry = {**example(LedgerEntry), "payment_id": PAYMENT_ID}
    finance.query_api.answers["GET /ledger/entries"] = a_page(entry, entry, {**entry, "payment_id": None})
    answer = await finance.browser.get("/search?q=re_3PXample")
    assert answer.headers["location"] == f"/payments/{PAYMENT_ID}"


async def test_a_payout_leads_to_its_page(finance: BackOffice) -> None:
    assert (await finance.browser.get(f"/search?q={PAYOUT_ID}")).headers["location"] == f"/payouts/{PAYOUT_ID}"
    assert "Nothing is found" in (await finance.page("/search?q=po_unknown")).text


async def test_an_event_of_stripe_is_shown_with_the_payment_that_it_is_about(finance: BackOffice) -> None:
    event = {**example(StripeEventView), "object_id": "pi_3PXample", "dead_letter_id": 7}
    finance.command_api.answers[f"GET /stripe-events/{event['id']}"] = event
    page = await finance.page(f"/search?q={event['id']}")
    assert requested(finance) == {"/payments?stripe_payment_intent_id=pi_3PXample"}
    assert f"/payments/{PAYMENT_ID}" in page.links
    assert "/dead-letters/7" in page.links
    assert "payment_intent.succeeded test" in page.text.replace(". ", ".")
    assert "Nothing is found" in (await finance.page("/search?q=evt_unknown")).text


@pytest.mark.parametrize("about", ["po_1PXample", "evt_1PXample", None])
async def test_an_event_of_stripe_that_is_about_no_payment_is_shown_too(finance: BackOffice, about: str | None) -> None:
    event = {**example(StripeEventView), "object_id": about}
    finance.command_api.answers[f"GET /stripe-events/{event['id']}"] = event
    assert "Brought by" in (await finance.page(f"/search?q={event['id']}")).text


async def test_whoever_may_not_see_the_system_does_not_search_it(back_office: BackOffice) -> None:
    await back_office.log_in("support")
    page = await back_office.page("/search?q=evt_1PXample")
    assert back_office.command_api.requested == []
    assert "evt_" not in page.text.replace("evt_1PXample", "")


async def test_whoever_may_not_see_the_ledger_does_not_search_it(back_office: BackOffice) -> None:
    await back_office.log_in("support")
    page = await back_office.page("/search?q=re_3PXample")
    assert requested(back_office) == set()
    assert "ch_" not in page.text


@pytest.mark.parametrize("name", ["request_id", "correlation_id"])
async def test_an_id_of_a_request_leads_to_its_payment(finance: BackOffice, name: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=a_page(a_payment()) if name in request.url.params else a_page())

    finance.query_api.answers["GET /payments"] = answer
    found = await finance.browser.get("/search?q=req-4711")
    assert found.headers["location"] == f"/payments/{PAYMENT_ID}"


async def test_payments_of_an_amount_are_listed_with_what_was_sought(finance: BackOffice) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = (a_payment(), a_payment(id=OTHER_ID)) if "decimal_amount" in request.url.params else ()
        return httpx.Response(200, json=a_page(*rows, cursor="more" if rows else None))

    finance.query_api.answers["GET /payments"] = answer
    page = await finance.page("/search?q=10.00%20usd")
    assert "Amount 10.00 USD" in page.text
    assert "Request id" not in page.text
    assert {f"/payments/{PAYMENT_ID}", f"/payments/{OTHER_ID}"} <= set(page.links)
    assert "/payments?decimal_amount=10.00&currency=USD" in page.links


async def test_several_payments_are_listed_by_what_they_were_found_by(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page(a_payment(), a_payment(id=OTHER_ID), cursor="more")
    page = await finance.page("/search?q=user%261")
    assert {f"/payments/{PAYMENT_ID}", f"/payments/{OTHER_ID}"} <= set(page.links)
    assert "/payments?user_id=user%261" in page.links
    assert page.form("/search").fields["q"] == "user&1"


@pytest.mark.parametrize("text", ["", "  ", "nothing", "x" * 300, "a\x00b", "a\nb"])
async def test_nothing_found_says_what_can_be_found(finance: BackOffice, text: str) -> None:
    finance.query_api.answers["GET /payments"] = a_page()
    answer = await finance.browser.get("/search", params={"q": text})
    assert answer.status_code == 200
    assert "idempotency key" in answer.text


async def test_another_merchants_payment_is_nothing_and_an_outage_is_not(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page()
    finance.query_api.answers[f"GET /payments/{PAYMENT_ID}"] = a_problem(404, "payment_not_found")
    assert "Nothing is found" in (await finance.page(f"/search?q={PAYMENT_ID}")).text
    finance.query_api.answers["GET /payments"] = away
    assert "does not answer" in (await finance.page(f"/search?q={PAYMENT_ID}", status=503)).text


async def test_a_mistyped_amount_is_told_how_amounts_are_written(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page()
    assert "no decimal comma" in (await finance.page("/search?q=90,00 EUR")).text
    assert "no decimal comma" not in (await finance.page("/search?q=order-77")).text


async def test_a_long_text_is_not_all_repeated(finance: BackOffice) -> None:
    finance.query_api.answers["GET /payments"] = a_page()
    text = (await finance.page(f"/search?q={'x' * 5000}")).text
    assert "x" * 99 in text
    assert "x" * 101 not in text
