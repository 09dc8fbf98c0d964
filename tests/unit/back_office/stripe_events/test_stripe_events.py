"""The inbox of Stripe's events."""

from schemas.http.stripe_events import StripeEventView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import example

EVENT = example(StripeEventView)


async def test_each_event_leads_to_what_it_is_about_and_to_its_dead_letter(finance: BackOffice) -> None:
    page_of = {"data": [{**EVENT, "dead_letter_id": 7}], "next_before": 44}
    finance.command_api.answers["GET /stripe-events"] = page_of
    page = await finance.page("/stripe-events")
    for said in ("payment_intent.succeeded", "2026-05-01 10:06:41 UTC", "test", "It could not be"):
        assert said in page.text
    assert {"/search?q=pi_3PXample", "/dead-letters/7", "/stripe-events?before=44"} <= set(page.links)
    await finance.page("/stripe-events?before=44")
    assert finance.command_api.requested[-1].url.params["before"] == "44"


async def test_an_empty_page_in_the_middle_leads_on(finance: BackOffice) -> None:
    finance.command_api.answers["GET /stripe-events"] = {"data": [], "next_before": 5}
    page = await finance.page("/stripe-events")
    assert "Look further back" in page.text
    finance.command_api.answers["GET /stripe-events"] = {"data": [], "next_before": None}
    assert "Stripe has told nothing yet" in (await finance.page("/stripe-events")).text


async def test_what_is_about_some_objects_alone_is_shown_page_by_page(finance: BackOffice) -> None:
    finance.command_api.answers["GET /stripe-events"] = {"data": [EVENT], "next_before": 44}
    page = await finance.page("/stripe-events?about=pi_1&about=re_2&before=90")
    sent = finance.command_api.requested[-1].url.params
    assert (sent.get_list("object_id"), sent["before"]) == (["pi_1", "re_2"], "90")
    assert "Only about pi_1 re_2" in page.text
    assert {
        "/stripe-events?about=pi_1&about=re_2&before=44",
        "/stripe-events?about=pi_1&about=re_2",
        "/stripe-events",
    } <= set(page.links)
