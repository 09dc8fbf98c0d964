"""The pages of auditors: seals, the staff log, the erasure register, the picture of a payment, and proofs."""

from typing import Any

import httpx
import pytest

from back_office.audit.subjects import address_of
from back_office.audit.titles import title_of, via
from schemas.http.audit import ErasurePage, SealsView, StaffLogPage
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, PICTURE, a_page, a_problem, an_event, example
from tests.unit.back_office.test_pages import AUDIT, HOSTILE, hardened

PAYMENT = f"/payments/{PAYMENT_ID}"


@pytest.fixture
async def auditor(back_office: BackOffice) -> BackOffice:
    await back_office.log_in("auditor")
    return back_office


def an_action(**changes: Any) -> dict[str, Any]:
    return {**example(StaffLogPage)["data"][0], **changes}


async def test_what_is_sealed_and_by_whom_it_was_witnessed_is_shown(auditor: BackOffice) -> None:
    text = (await auditor.page("/audit")).text
    assert "4,711 events, up to position 4802" in text
    assert "3 events since 2026-05-01 10:06:41 UTC" in text
    assert "signatures of 1 of 1 required witness;" in text
    assert "so many have signed the first 4,711 events" in text


async def test_a_log_that_nobody_seals_or_witnesses_is_said_to_be(auditor: BackOffice) -> None:
    seals = {**example(SealsView), "checkpoint": None, "witnesses": [], "witnesses_needed": 0, "witnessed": 0}
    auditor.query_api.answers["GET /audit/seals"] = {**seals, "unsealed": 10_000, "unsealed_has_more": True}
    text = (await auditor.page("/audit")).text
    assert "Nothing is sealed yet: more than 10,000 events wait" in text
    assert "No witness has signed the log" in text


async def test_the_staff_log_is_asked_for_by_name_and_page(auditor: BackOffice) -> None:
    auditor.query_api.answers["GET /audit/staff-log"] = a_page(an_action(), cursor="next")
    page = await auditor.page("/audit/staff-log?name=olga&cursor=here")
    assert dict(auditor.query_api.requested[-1].url.params) == {"limit": "50", "name": "olga", "cursor": "here"}
    assert {"/audit/staff-log?name=olga&cursor=next", "/audit/staff-log?name=olga"} <= set(page.links)
    assert "seen in Stripe's Dashboard" in page.text
    assert "olga API key back-office Discrepancy resolved discrepancy.resolved" in page.text


async def test_a_name_that_nobody_can_have_is_not_asked_for(auditor: BackOffice) -> None:
    auditor.query_api.requested.clear()
    page = await auditor.page("/audit/staff-log?name=a%20b", status=422)
    assert "A name, as people log in." in page.text
    assert auditor.query_api.requested == []


@pytest.mark.parametrize(
    ("category", "address"), [("payment", "/payments/a%2Fb"), ("access", None), ("split-payment", "/sagas/a%2Fb")]
)
def test_what_has_a_page_is_linked_to(category: str, address: str | None) -> None:
    assert address_of(category, "a/b") == address


@pytest.mark.parametrize(
    ("event_type", "title"),
    [
        ("access.staff_signed_in", "Logged in"),
        ("access.staff_locked", "Locked somebody out"),
        ("access.staff_unlocked", "Unlocked an account"),
        ("payment.refund_requested", "Refund requested"),
        ("payment.task_given_up", "A call to Stripe was given up"),
        ("split_payment.given_up", "Split payment given up"),
    ],
)
def test_what_was_done_is_said_in_words(event_type: str, title: str) -> None:
    assert title_of(event_type) == title


@pytest.mark.parametrize(("actor", "said"), [("operator:root", "command line"), ("api:office/olga", "API key office")])
def test_it_is_said_what_vouches_for_a_name(actor: str, said: str) -> None:
    assert via(actor) == said


async def test_an_erasure_has_when_by_whom_why_and_its_receipt(auditor: BackOffice) -> None:
    erasure = example(ErasurePage)["data"][0]
    page = await auditor.page("/audit/erasures")
    for said in (
        erasure["user_id"],
        erasure["reason"],
        "officer, on the command line",
        "1 key destroyed, 1 payment",
        erasure["event_id"],
        "2026-05-01 10:06:40 UTC",
    ):
        assert said in page.text
    assert f"/audit/proofs?id={erasure['position']}" in page.links


async def test_proofs_come_as_a_file(auditor: BackOffice) -> None:
    answer = await auditor.browser.get("/audit/proofs", params={"id": " 42 "})
    assert (answer.status_code, answer.content) == (200, b"PK")
    assert answer.headers["content-disposition"] == 'attachment; filename="proofs-42.zip"'
    hardened(answer)


@pytest.mark.parametrize("subject", ["", "../audit/seals", "x" * 65, 'a"b', "a b"])
async def test_what_is_no_id_is_a_mistake_in_the_form(auditor: BackOffice, subject: str) -> None:
    answer = await auditor.browser.get("/audit/proofs", params={"id": subject})
    assert answer.status_code == 422
    assert "The id of a payment or an event" in answer.text


@pytest.mark.parametrize(
    ("refused", "status", "said"),
    [
        (a_problem(404, "not_found"), 404, "Check the id"),
        (a_problem(409, "not_sealed", "It is not sealed yet: ask again in a moment."), 409, "It is not sealed yet"),
        (a_problem(501, "proofs_not_configured", "has neither PROOFS_FOLDER"), 503, "has neither PROOFS_FOLDER"),
    ],
)
async def test_what_cannot_be_proved_is_a_page(
    auditor: BackOffice, refused: httpx.Response, status: int, said: str
) -> None:
    auditor.query_api.answers["GET /audit/proofs/42"] = refused
    assert said in (await auditor.page("/audit/proofs?id=42", status=status)).text


async def test_the_history_has_the_picture_and_the_timeline_the_proofs(auditor: BackOffice) -> None:
    assert f'src="{PAYMENT}/causes.svg"' in (await auditor.browser.get(f"{PAYMENT}/history")).text
    picture = await auditor.browser.get(f"{PAYMENT}/causes.svg")
    assert (picture.content, picture.headers["content-type"]) == (PICTURE, "image/svg+xml")
    hardened(picture)
    assert f"/audit/proofs?id={an_event()['position']}" in (await auditor.page(PAYMENT)).links


async def test_who_may_not_audit_is_offered_nothing_of_it(back_office: BackOffice) -> None:
    await back_office.log_in("finance")
    for address in (PAYMENT, f"{PAYMENT}/history", "/payments"):
        text = (await back_office.browser.get(address)).text
        assert "/audit" not in text
        assert "causes.svg" not in text


@pytest.mark.parametrize("address", AUDIT)
async def test_what_others_wrote_is_only_text(auditor: BackOffice, address: str) -> None:
    action = an_action(name=HOSTILE, actor=HOSTILE, type=HOSTILE, reason=HOSTILE, category=HOSTILE, stream_id=HOSTILE)
    erasure = {**example(ErasurePage)["data"][0], "user_id": HOSTILE, "reason": HOSTILE, "actor": HOSTILE}
    seals = example(SealsView)
    seals["witnesses"][0] |= {"name": HOSTILE, "key": HOSTILE}
    auditor.query_api.answers |= {
        "GET /audit/staff-log": a_page(action),
        "GET /audit/erasures": a_page(erasure),
        "GET /audit/seals": seals,
    }
    assert HOSTILE in (await auditor.page(address)).text  # refuses what is inline or not well-formed
