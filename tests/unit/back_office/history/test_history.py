"""What a payment was after each event, and what differs between two."""

from typing import Any

import httpx
import pytest

from back_office.history.differences import Difference, differences
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_payment, a_problem, a_refund

PAYMENT = f"/payments/{PAYMENT_ID}"


def test_amounts_have_their_own_currency_and_codes_are_words() -> None:
    before = a_payment(status="requires_capture", currency="JPY", amount_captured_cents=0)
    after = a_payment(status="succeeded", currency="JPY", amount_captured_cents=1000, version=6)
    assert differences(before, after) == [
        Difference(name="Status", before="Requires capture", after="Succeeded"),
        Difference(name="Amount captured", before="0 JPY", after="1,000 JPY"),
    ]


def test_what_came_and_what_went_is_beside_nothing() -> None:
    after = a_payment(refunds=[a_refund()], metadata={"order": "2"}, description="new")
    found = {each.name: (each.before, each.after) for each in differences(a_payment(metadata={}), after)}
    assert found["Refunds 1: Amount"] == ("Nothing", "5.00 USD")
    assert found["Metadata: Order"] == ("Nothing", "2")
    assert found["Description"] == ("Nothing", "New")
    gone = {each.name: each.after for each in differences(after, a_payment(metadata={}))}
    assert gone["Description"] == "Nothing"


def test_the_same_does_not_differ_whatever_its_version() -> None:
    assert differences(a_payment(), a_payment(version=9, updated_at="2026-11-23T00:00:00.000Z")) == []


@pytest.fixture
async def support(back_office: BackOffice) -> BackOffice:
    def answer(request: httpx.Request) -> httpx.Response:
        version = int(request.url.params.get("version", "5"))
        return httpx.Response(200, json=a_payment(version=version, amount_captured_cents=version * 100))

    back_office.query_api.answers[f"GET {PAYMENT}"] = answer
    await back_office.log_in("support")
    return back_office


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", (4, 5)),
        ("?version=3", (2, 3)),
        ("?before=1&version=4", (1, 4)),
        ("?before=4&version=2", (2, 4)),
        ("?version=1", (1, 1)),
        ("?version=99&before=0", (1, 5)),
        ("?version=x&before=-1", (4, 5)),
        (f"?version={'9' * 40}", (4, 5)),
    ],
)
async def test_two_versions_stand_side_by_side(support: BackOffice, address: str, shown: tuple[int, int]) -> None:
    page = await support.page(f"{PAYMENT}/history{address}")
    form = page.form(f"{PAYMENT}/history")
    assert (int(form.fields["before"]), int(form.fields["version"])) == shown
    if shown[0] != shown[1]:
        assert f"{shown[0]}.00 USD {shown[1]}.00 USD" in page.text
    else:
        assert "Nothing that is shown differs" in page.text


async def test_a_payment_leads_to_its_history(support: BackOffice) -> None:
    assert f"{PAYMENT}/history" in (await support.page(PAYMENT)).links


@pytest.mark.parametrize(
    ("answer", "status"), [(a_problem(404, "payment_not_found"), 404), (a_problem(501, "history_not_configured"), 503)]
)
async def test_what_cannot_be_shown_says_so(support: BackOffice, answer: Any, status: int) -> None:
    support.query_api.answers[f"GET {PAYMENT}"] = answer
    await support.page(f"{PAYMENT}/history", status=status)
