"""What is no form of ours is refused before anything is done."""

import pytest

from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID

REFUND = f"/payments/{PAYMENT_ID}/refund"
FORM = "application/x-www-form-urlencoded"


async def test_a_form_without_the_token_of_the_session_does_nothing(finance: BackOffice) -> None:
    for token in ("", "guessed"):
        assert (await finance.send(REFUND, csrf_token=token, reason="duplicate")).status_code == 403
    assert finance.command_api.requested == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_from_another_site_does_nothing(finance: BackOffice, site: str) -> None:
    fields = (await finance.page(REFUND)).form(REFUND).fields
    answer = await finance.browser.post(
        REFUND, data={**fields, "reason": "duplicate"}, headers={"Sec-Fetch-Site": site}
    )
    assert answer.status_code == 403
    assert finance.command_api.requested == []


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        (FORM, b"a=1&" * 100_000),
        (FORM, b"&".join(b"a%d=1" % number for number in range(50))),
        (FORM, "ä=1".encode()),
        ("", b""),
    ],
)
async def test_what_is_no_form_does_nothing(finance: BackOffice, media_type: str, content: bytes) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    assert (await finance.browser.post(REFUND, content=content, headers=headers)).status_code == 403
    assert finance.command_api.requested == []
