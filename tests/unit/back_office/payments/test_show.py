"""A payment's page."""

import httpx
import pytest

from schemas.events import PAYMENT_EVENT_TYPES
from schemas.http.timeline import entry_example
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_page, a_payment, a_problem, a_refund, an_event

PAGE = f"/payments/{PAYMENT_ID}"


async def test_a_payment_shows_money_state_times_and_where_it_is_at_stripe(finance: BackOffice) -> None:
    page = await finance.page(PAGE)
    for said in ("10.00 USD", "Paid.", "Kept", "2026-11-22 19:37:00 UTC", "order-1001", "Metadata: order", "A-1001"):
        assert said in page.text
    assert "https://dashboard.stripe.com/test/payments/pi_3PXample" in page.links


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(500000, "JPY", "500,000 JPY"), (12340, "KWD", "12.340 KWD"), (500, "ISK", "5.00")],
)
async def test_an_amount_has_the_decimals_of_its_currency(
    finance: BackOffice, amount: int, currency: str, shown: str
) -> None:
    payment = a_payment(amount_cents=amount, amount_captured_cents=amount, currency=currency)
    finance.query_api.answers[f"GET {PAGE}"] = payment
    finance.query_api.answers["GET /payments"] = a_page(payment)
    assert shown in (await finance.page(PAGE)).text
    assert shown in (await finance.page("/payments")).text


async def test_a_payment_leads_to_entries_calls_and_what_stripe_said(back_office: BackOffice) -> None:
    refunded = an_event("payment.refund_succeeded", data={"stripe_refund_id": "re_3PXample"}, position=90)
    back_office.query_api.answers[f"GET {PAGE}/events"] = a_page(an_event(), refunded)
    leads = {
        f"/ledger/entries?payment_id={PAYMENT_ID}",
        f"/tasks?payment_id={PAYMENT_ID}",
        "/stripe-events?about=pi_3PXample&about=re_3PXample&before=10090",
    }
    await back_office.log_in("finance")
    assert leads <= set((await back_office.page(PAGE)).links)
    await back_office.log_in("support")
    links = set((await back_office.page(PAGE)).links)
    assert links.isdisjoint(leads)
    assert "/payments?correlation_id=" in " ".join(links)


async def test_what_is_not_at_stripe_yet_was_told_of_by_nobody(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(stripe_payment_intent_id=None)
    assert not [link for link in (await finance.page(PAGE)).links if link.startswith("/stripe-events?")]


async def test_every_kind_of_event_is_told_in_words(finance: BackOffice) -> None:
    events = [
        {**entry_example(each.name, number), "position": number}
        for number, each in enumerate(PAYMENT_EVENT_TYPES, start=1)
    ]
    finance.query_api.answers[f"GET {PAGE}/events"] = a_page(*events, an_event("payment.of_tomorrow", version=99))
    page = await finance.page(PAGE)
    assert page.text.count("number ") == len(events) + 1
    for said in ("Requested", "Refund requested", "The dispute took the money", "Of tomorrow", "5.00 USD"):
        assert said in page.text


async def test_an_event_says_who_did_it_and_why(finance: BackOffice) -> None:
    by_person = an_event("payment.refund_requested", data={"reason": "duplicate", "amount_cents": 500})
    by_operator = an_event(
        "payment.task_retried", version=2, actor="command", data={"actor": "olga", "reason": "Stripe is well"}
    )
    finance.query_api.answers[f"GET {PAGE}/events"] = a_page(by_person, by_operator)
    text = (await finance.page(PAGE)).text
    assert "Refund requested Duplicate" in text
    assert "anna, with the API key back-office" in text
    assert "Stripe is well" in text
    assert "olga" in text


async def test_a_refund_is_never_shown_as_done_before_it_is(finance: BackOffice) -> None:
    pending = a_refund(status="pending", stripe_refund_id=None)
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(refunds=[pending])
    answer = await finance.browser.get(f"{PAGE}?done=refund&min_position=47")
    assert "Accepted here, not yet at Stripe" in answer.text
    assert "Not yet" in answer.text
    assert 'hx-trigger="changed from:#stream, every 2s"' in answer.text, "it asks again by itself"
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(amount_refunded_cents=500, refunds=[a_refund()])
    answer = await finance.browser.get(PAGE)
    assert "At Stripe: given back" in answer.text
    assert "every 2s" not in answer.text, "nothing is left to wait for"
    assert f'hx-sse:connect="{PAGE}/live?version=' in answer.text, "but it may change all the same"


async def test_after_a_command_the_page_waits_for_its_position(finance: BackOffice) -> None:
    await finance.page(f"{PAGE}?done=refund&min_position=47")
    assert [request.url.params["min_position"] for request in finance.query_api.requested] == ["47", "47"]


async def test_what_was_accepted_never_looks_failed_while_reads_are_behind(finance: BackOffice) -> None:
    def behind(request: httpx.Request) -> httpx.Response:
        if "min_position" in request.url.params:
            return a_problem(503, "projection_behind", Retry_After="1")
        return httpx.Response(200, json=a_page(an_event()) if request.url.path.endswith("/events") else a_payment())

    finance.query_api.answers |= {f"GET {PAGE}": behind, f"GET {PAGE}/events": behind}
    answer = await finance.browser.get(f"{PAGE}?done=refund&min_position=47")
    assert answer.status_code == 200
    page = HtmlPage(answer.text)
    assert "The refund is accepted here" in page.text
    assert "older than what was done last" in page.text
    assert f"{PAGE}/refund" not in page.links, "it could be done a second time"
    assert f'hx-get="{PAGE}?min_position=47"' in answer.text


@pytest.mark.parametrize("place", ["version=2", "as_of=2026-11-22T19:37:00Z"])
async def test_the_past_is_marked_and_cannot_be_acted_on(finance: BackOffice, place: str) -> None:
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(version=2)
    events = [an_event(version=number, data={"amount_cents": number}) for number in (1, 2, 3)]
    finance.query_api.answers[f"GET {PAGE}/events"] = a_page(*events)
    page = await finance.page(f"{PAGE}?{place}")
    assert "This is what the payment was after event 2" in page.text
    assert f"{PAGE}/refund" not in page.links
    assert "number 3" not in page.text, "what came later is not shown"
    assert place.partition("=")[0] in dict(finance.query_api.requested[0].url.params)


async def test_buttons_are_those_of_the_role(back_office: BackOffice) -> None:
    held = a_payment(status="requires_capture", amount_captured_cents=0, amount_capturable_cents=1000)
    back_office.query_api.answers[f"GET {PAGE}"] = held
    offered = {}
    for role in ("support", "finance", "operator", "auditor"):
        await back_office.log_in(role)
        links = (await back_office.page(PAGE)).links
        offered[role] = {link.rpartition("/")[2] for link in links if link.startswith(f"{PAGE}/")}
        offered[role].remove("history")
    assert offered == {
        "support": {"cancel"},
        "finance": {"capture", "cancel"},
        "operator": {"cancel"},
        "auditor": set(),
    }


async def test_a_long_history_goes_on_at_the_next_page(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PAGE}/events"] = a_page(an_event(), cursor="WzFd")
    (more,) = [link for link in (await finance.page(PAGE)).links if "events_after" in link]
    await finance.page(more)
    assert finance.query_api.requested[-1].url.params.get("cursor") == "WzFd"


async def test_a_declined_payment_says_what_to_tell_the_customer(finance: BackOffice) -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "message": "Your card was declined."}
    finance.query_api.answers[f"GET {PAGE}"] = a_payment(status="requires_payment_method", last_error=error)
    text = (await finance.page(PAGE)).text
    assert "There was not enough money on the account" in text
    assert "insufficient_funds" in text


async def test_a_query_api_without_history_says_so(finance: BackOffice) -> None:
    problem = httpx.Response(501, json={"code": "history_not_configured", "title": "History is not configured"})
    finance.query_api.answers[f"GET {PAGE}"] = problem
    assert "History is not configured" in (await finance.page(f"{PAGE}?version=2", status=503)).text


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2026-11-30T10:00:00+01:00", "at 2026-11-30 09:00:00 UTC"),
        ("2026-11-30 09:00", "at 2026-11-30 09:00:00 UTC"),
        ("2026-11-30 09:00:01 UTC", "at 2026-11-30 09:00:01 UTC"),
        ("9999-12-31T23:59-01:00", "at 9999-12-31T23:59-01:00"),
    ],
)
async def test_a_moment_of_the_past_is_shown_with_its_zone(finance: BackOffice, as_of: str, said: str) -> None:
    answer = await finance.browser.get(PAGE, params={"as_of": as_of})
    assert said in HtmlPage(answer.text).text


async def test_a_payment_that_was_not_made_by_then_is_not_called_unknown(finance: BackOffice) -> None:
    def as_of_a_moment(request: httpx.Request) -> httpx.Response:
        not_found = a_problem(404, "payment_not_found", "Its first event is of 2026.")
        return not_found if "as_of" in request.url.params else httpx.Response(200, json=a_payment())

    finance.query_api.answers[f"GET {PAGE}"] = as_of_a_moment
    text = (await finance.page(f"{PAGE}?as_of=2020-01-01", 404)).text
    assert "Not there yet Its first event is of 2026." in text
    finance.query_api.answers[f"GET {PAGE}"] = a_problem(404, "payment_not_found")
    assert "Nothing here has this id" in (await finance.page(f"{PAGE}?as_of=2020-01-01", 404)).text


@pytest.mark.parametrize(
    ("as_of", "sent"),
    [
        ("2026-11-30 09:00:01 UTC", "2026-11-30 09:00:01.999999Z"),
        ("2026-11-30T10:00:01+01:00", "2026-11-30T10:00:01.999999+01:00"),
        ("2026-11-30T09:00:01.5Z", "2026-11-30T09:00:01.5Z"),
        (" 2026-11-30 09:00 ", "2026-11-30 09:00"),
    ],
)
async def test_a_time_as_pages_show_it_is_all_of_its_second(finance: BackOffice, as_of: str, sent: str) -> None:
    await finance.browser.get(PAGE, params={"as_of": as_of})
    (found,) = [each for each in finance.query_api.requested if each.url.path == PAGE]
    assert found.url.params["as_of"] == sent
