"""A payment's page hears that the payment changed: while its session lasts, and for so many pages at once."""

import dataclasses

import httpx

from back_office.payments.live import changes
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import PAYMENT_ID, FakeApi, a_payment, away

PAGE = f"/payments/{PAYMENT_ID}"


def a_payment_at(*answers: object) -> FakeApi:
    """Return an API that gives these answers, one after the other, then the last again and again."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        now = left.pop(0) if len(left) > 1 else left[0]
        if now is away:
            return away(request)
        if request.headers["if-none-match"] == f'"{now}"':
            return httpx.Response(304)
        return httpx.Response(200, json=a_payment(version=now))

    return FakeApi(name="query API", answers={f"GET {PAGE}": answer})


async def heard(api: FakeApi, known: int, *, looks: int) -> list[str]:
    """Return what a page hears in so many looks, but for the signs of life."""
    left = [True] * looks

    async def is_allowed() -> bool:
        return bool(left and left.pop())

    events = changes(api.api(), PAGE, known, is_allowed=is_allowed, every_s=0.001)
    return [event async for event in events if not event.startswith(":")]


async def test_each_new_version_is_told_once() -> None:
    assert await heard(a_payment_at(5, 6, 6, 7), 5, looks=8) == [
        "event: changed\ndata: 6\n\n",
        "event: changed\ndata: 7\n\n",
    ]


async def test_what_stays_the_same_is_asked_for_by_its_etag_and_not_told() -> None:
    api = a_payment_at(5)
    assert await heard(api, 5, looks=4) == []
    assert [request.headers["if-none-match"] for request in api.requested] == ['"5"'] * 4


async def test_an_api_that_is_away_is_asked_again() -> None:
    assert await heard(a_payment_at(away, away, 6), 5, looks=5) == ["event: changed\ndata: 6\n\n"]


async def test_without_a_session_there_is_no_stream_and_no_log_in(back_office: BackOffice) -> None:
    assert (await back_office.browser.get(f"{PAGE}/live")).status_code == 401
    assert back_office.query_api.requested == []


async def test_beyond_the_bound_there_is_no_stream(finance: BackOffice) -> None:
    finance.office.streams.open = finance.office.streams.most
    answer = await finance.browser.get(f"{PAGE}/live")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_a_page_that_is_left_open_keeps_no_session_alive(finance: BackOffice) -> None:
    sessions = finance.office.sessions
    (session, _, _) = sessions.of("finance")[0]
    before = dataclasses.asdict(session)["seen"]
    finance.office.streams.open = finance.office.streams.most
    await finance.browser.get(f"{PAGE}/live")
    assert session.seen == before
