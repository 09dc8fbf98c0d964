"""GET /payments by what people have at hand: the id of a request, a correlation id, an amount."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from domain.ids import ErasureId, MerchantId, PaymentId
from domain.money import Money
from domain.payment.events import PaymentEvent
from domain.personal_data import PersonalDataErased
from event_store.appends import Append, Appended
from event_store.store import Connection as AppConnection
from event_store.store import append
from infra.postgres.pool import Pool
from projections.payments import read
from schemas.envelope import EventMetadata
from schemas.events import PAYMENT_CODEC
from tests.integration.query_api.conftest import Project
from tests.support.database import Database
from tests.support.payment_histories import events_of, paid, request_payment
from tests.support.query_client import MERCHANT, OTHER_KEY, OTHER_MERCHANT, client_of

pytestmark = pytest.mark.integration

START = 1_790_000_000_000
RecordAs = Callable[..., Awaitable[None]]
IDS = ("request_id", "correlation_id")


def number(count: int) -> PaymentId:
    """Return the id of a payment; the higher, the newer."""
    return PaymentId(uuid.UUID(int=(START + count) << 80 | 7 << 76 | 2 << 62 | count))


def opened(count: int, **fields: Any) -> list[PaymentEvent]:
    return events_of([request_payment(number(count), **fields)])


@pytest_asyncio.fixture
async def record_as(app: AppConnection) -> RecordAs:
    """Append events of a payment behind `after`, as a request with these ids made them."""

    async def record_as(
        events: Sequence[Any],
        payment: PaymentId,
        *,
        request_id: str,
        correlation_id: str | None = None,
        after: int = 0,
        merchant_id: str = MERCHANT,
    ) -> None:
        metadata = EventMetadata(
            correlation_id=correlation_id or request_id,
            request_id=request_id,
            actor="api:key_test",
            merchant_id=MerchantId(merchant_id),
        )
        one = Append.of(PAYMENT_CODEC, events, stream_id=payment, expected_version=after, metadata=metadata)
        (result,) = await append(app, [one])
        assert isinstance(result, Appended)
        await app.commit()

    return record_as


@pytest_asyncio.fixture
async def other_client(read_pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(read_pool, key=OTHER_KEY) as client:
        yield client


async def found(client: httpx.AsyncClient, **parameters: Any) -> list[PaymentId]:
    """Return the payments of all pages; their count is the same."""
    count = (await client.get("/payment-count", params=parameters)).json()
    ids: list[PaymentId] = []
    page: dict[str, Any] = {"has_more": True, "next_cursor": None}
    while page["has_more"]:
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        response = await client.get("/payments", params={**parameters, "limit": 2, **cursor})
        assert response.status_code == 200, response.text
        page = response.json()
        ids += [PaymentId(uuid.UUID(row["id"])) for row in page["data"]]
    assert count == {"count": len(ids), "has_more": False}
    return ids


async def test_a_payment_is_found_by_any_request_that_changed_it(
    client: httpx.AsyncClient, record_as: RecordAs, project: Project
) -> None:
    events = events_of(paid(request_payment(number(1))))
    await record_as(events[:1], number(1), request_id="req-1", correlation_id="cor-1")
    await record_as(events[1:], number(1), request_id="req-2", after=1)
    await record_as(opened(2), number(2), request_id="req-3", correlation_id="cor-3")
    await project()
    for request_id in ("req-1", "req-2"):
        assert await found(client, request_id=request_id) == [number(1)]
    for correlation_id in ("cor-1", "req-2"):
        assert await found(client, correlation_id=correlation_id) == [number(1)]
    assert await found(client, request_id="cor-1") == []
    assert await found(client, correlation_id="req-1") == []
    assert await found(client, request_id="REQ-1") == []


@pytest.mark.parametrize("name", IDS)
async def test_several_payments_of_an_id_are_pages_newest_first(
    client: httpx.AsyncClient, record_as: RecordAs, project: Project, name: str
) -> None:
    for count in (3, 1, 5, 2, 4):
        await record_as(opened(count, user_id=f"user_{count % 2}"), number(count), request_id="import-7")
    await record_as(opened(6), number(6), request_id="import-8")
    await project()
    assert await found(client, **{name: "import-7"}) == [number(count) for count in (5, 4, 3, 2, 1)]
    assert await found(client, **{name: "import-7", "user_id": "user_1"}) == [number(5), number(3), number(1)]


@pytest.mark.parametrize("name", IDS)
async def test_an_id_leads_to_payments_of_the_keys_merchant_alone(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, record_as: RecordAs, project: Project, name: str
) -> None:
    await record_as(opened(1), number(1), request_id="same")
    theirs = opened(2, merchant_id=OTHER_MERCHANT)
    await record_as(theirs, number(2), request_id="same", merchant_id=OTHER_MERCHANT)
    await record_as(opened(3), number(3), request_id="ours")
    await project()
    assert await found(client, **{name: "same"}) == [number(1)]
    assert await found(other_client, **{name: "same"}) == [number(2)]
    assert await found(other_client, **{name: "ours"}) == []


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("pointer", ["/description", "/metadata/email"])
async def test_no_id_leads_to_an_erased_payment(
    client: httpx.AsyncClient,
    record_as: RecordAs,
    project: Project,
    name: str,
    pointer: str,
) -> None:
    personal = {"description": "Flowers", "metadata": {"email": "a@b.example"}}
    await record_as(opened(1, **personal), number(1), request_id="same")
    await record_as(opened(2), number(2), request_id="same")
    await project()
    assert await found(client, **{name: "same"}) == [number(2), number(1)]

    erased = PersonalDataErased(erasure_id=ErasureId(uuid.uuid4()), fields=(pointer,))
    await record_as([erased], number(1), request_id="erasure", after=1)
    await project()
    assert await found(client, **{name: "same"}) == [number(2)]
    assert await found(client, **{name: "erasure"}) == []
    assert await found(client, user_id="user_1") == [number(2), number(1)], "the list has it, as before"


@pytest.mark.parametrize("name", IDS)
async def test_no_id_leads_to_a_payment_whose_timeline_is_gone(
    client: httpx.AsyncClient, record_as: RecordAs, project: Project, database: Database, name: str
) -> None:
    await record_as(events_of(paid(request_payment(number(1)))), number(1), request_id="old")
    await project()
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner:
        await owner.execute("UPDATE read_model.payments SET updated_at = now() - interval '400 days'")
        await owner.execute("UPDATE read_model.payment_timeline SET at = now() - interval '400 days'")
    assert await found(client, **{name: "old"}) == [number(1)]
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as app:
        await app.execute("SELECT read_model.forget_timelines(interval '365 days', 0, 100)")
    assert await found(client, **{name: "old"}) == []


@pytest.mark.parametrize("name", IDS)
async def test_of_an_id_without_end_the_newest_payments_are_found(
    client: httpx.AsyncClient, record_as: RecordAs, project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (1, 4, 2, 5, 3):
        await record_as(events_of(paid(request_payment(number(count)))), number(count), request_id="always")
    await project()
    monkeypatch.setattr(read, "MOST_OF_AN_ID", 3)
    assert await found(client, **{name: "always"}) == [number(5), number(4), number(3)]


@pytest.mark.parametrize("name", IDS)
async def test_payments_of_another_merchant_take_nobodys_place(
    client: httpx.AsyncClient, record_as: RecordAs, project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record_as(opened(1), number(1), request_id="same")
    theirs = opened(2, merchant_id=OTHER_MERCHANT)
    await record_as(theirs, number(2), request_id="same", merchant_id=OTHER_MERCHANT)
    await project()
    monkeypatch.setattr(read, "MOST_OF_AN_ID", 1)
    assert await found(client, **{name: "same"}) == [number(1)]


async def test_an_amount_is_found_in_every_currency_that_has_it(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, record_as: RecordAs, project: Project
) -> None:
    amounts = [
        *((1234, "USD"), (1234, "EUR"), (12340, "KWD"), (1234, "JPY"), (1235, "USD")),
        *((50000, "USD"), (500, "JPY"), (500000, "KWD"), (50000, "JPY"), (50000, "EUR"), (500, "USD")),
    ]
    for count, (amount_cents, currency) in enumerate(amounts):
        money = Money(amount_cents=amount_cents, currency=currency)
        await record_as(opened(count, amount=money), number(count), request_id="r")
    theirs = opened(20, amount=Money(amount_cents=1234, currency="USD"), merchant_id=OTHER_MERCHANT)
    await record_as(theirs, number(20), request_id="r", merchant_id=OTHER_MERCHANT)
    await project()

    async def amounts_of(**parameters: Any) -> list[tuple[int, str]]:
        return [amounts[number_.int & 0xFF] for number_ in await found(client, **parameters)]

    assert await amounts_of(decimal_amount="12.34") == [(12340, "KWD"), (1234, "EUR"), (1234, "USD")]
    assert await amounts_of(decimal_amount="12.340") == [(12340, "KWD")]
    assert await amounts_of(decimal_amount="12.34", currency="usd") == [(1234, "USD")]
    assert await amounts_of(decimal_amount="12.34", currency="JPY") == []
    assert await amounts_of(decimal_amount="1234") == [(1234, "JPY")]
    assert await amounts_of(decimal_amount="500") == [(50000, "EUR"), (500000, "KWD"), (500, "JPY"), (50000, "USD")]
    assert await amounts_of(decimal_amount="500", currency="JPY") == [(500, "JPY")]
    assert await amounts_of(decimal_amount="500.00") == [(50000, "EUR"), (500000, "KWD"), (50000, "USD")]
    assert await amounts_of(decimal_amount="0.01") == []
    assert await found(other_client, decimal_amount="12.34") == [number(20)]


@pytest.mark.parametrize(
    "parameters",
    [
        *({"decimal_amount": text} for text in ("", "-1", "1,5", "1.", "1.2345", "1e3", "9" * 13, "12.34 USD", "5\n")),
        {"request_id": ""},
        {"correlation_id": "a\x00b"},
        {"request_id": "x" * 501},
    ],
)
async def test_what_is_no_amount_or_id_is_400(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    for path in ("/payments", "/payment-count"):
        response = await client.get(path, params=parameters)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
        assert [error["field"] for error in response.json()["errors"]] == list(parameters)
