"""GET /payments on a real read model: pages and filters."""

import random
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.ids import PaymentId
from domain.money import Money
from domain.payment.observations import RecordPaymentFailed
from schemas.http.payment_views import PaymentPage
from tests.integration.query_api.conftest import Project, Record
from tests.support.payment_histories import paid, request_payment

pytestmark = pytest.mark.integration


def made_at(milliseconds: int) -> uuid.UUID:
    """Return a payment id that was made so long after the epoch."""
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | random.getrandbits(62))


async def all_pages(client: httpx.AsyncClient, **parameters: Any) -> list[list[dict[str, Any]]]:
    pages = []
    while True:
        response = await client.get("/payments", params=parameters)
        assert response.status_code == 200
        assert PaymentPage.model_validate_json(response.content)
        page = response.json()
        assert page["has_more"] is (page["next_cursor"] is not None)
        pages.append(page["data"])
        if not page["has_more"]:
            return pages
        parameters["cursor"] = page["next_cursor"]


async def test_an_empty_list_is_one_last_page(client: httpx.AsyncClient) -> None:
    assert await all_pages(client) == [[]]


async def test_pages_run_newest_first_and_hold_each_payment_once(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    # Three payments a millisecond: the id decides between equal times.
    ids = [made_at(1_790_000_000_000 + number // 3) for number in range(14)]
    for each in random.sample(ids, len(ids)):
        await record([request_payment(PaymentId(each))])
    await project()

    pages = await all_pages(client, limit=5)

    assert [len(page) for page in pages] == [5, 5, 4]
    assert [row["id"] for page in pages for row in page] == [str(each) for each in sorted(ids, reverse=True)]
    assert [len(page) for page in await all_pages(client, limit=7)] == [7, 7], "a full last page has no cursor"


async def test_no_payment_is_lost_or_repeated_while_others_come_and_change(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    start = 1_790_000_000_000
    old = [made_at(start + number) for number in range(12)]
    for each in old:
        await record([request_payment(PaymentId(each))])
    await project()

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for number in range(20):
        page = (await client.get("/payments", params={"limit": 3, **cursor})).json()
        seen += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
        await record(paid(request_payment(PaymentId(made_at(start + 1000 + number)))))
        await project()

    assert seen == [str(each) for each in sorted(old, reverse=True)]


async def test_each_filter_narrows_and_together_they_must_all_hold(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    start = 1_790_000_000_000
    ids = [made_at(start + number * 1000) for number in range(4)]
    usd = Money(amount_cents=1000, currency="USD")
    await record([request_payment(PaymentId(ids[0]), user_id="anna")])
    await record(
        paid(request_payment(PaymentId(ids[1]), user_id="anna", amount=Money(amount_cents=500, currency="EUR")))
    )
    await record(paid(request_payment(PaymentId(ids[2]), user_id="bert", amount=usd, idempotency_key="order 7/ü")))
    await record(
        [
            request_payment(PaymentId(ids[3]), user_id="bert"),
            RecordPaymentFailed(code="amount_too_small", message="No."),
        ]
    )
    await project()

    async def found(**parameters: Any) -> list[int]:
        (rows,) = await all_pages(client, **parameters)
        return [ids.index(uuid.UUID(row["id"])) for row in rows]

    def moment(number: float) -> str:
        return datetime.fromtimestamp((start + number * 1000) / 1000, UTC).isoformat()

    assert await found() == [3, 2, 1, 0]
    assert await found(status="succeeded") == [2, 1]
    assert await found(status="failed") == [3]
    assert await found(user_id="anna") == [1, 0]
    assert await found(currency="eur") == [1]
    assert await found(amount_min=501) == [3, 2, 0]
    assert await found(amount_max=500) == [1]
    assert await found(amount_min=500, amount_max=1000) == [3, 2, 1, 0]
    assert await found(stripe_payment_intent_id=f"pi_{ids[2].hex}") == [2]
    assert await found(idempotency_key="order 7/ü") == [2]
    assert await found(created_after=moment(1)) == [3, 2]
    assert await found(created_before=moment(1)) == [0]
    assert await found(created_after=moment(0.5), created_before=moment(2.5)) == [2, 1]
    assert await found(created_after=moment(1).replace("+00:00", "Z")) == [3, 2]
    assert await found(status="succeeded", user_id="anna", currency="EUR") == [1]
    assert await found(status="succeeded", user_id="nobody") == []


async def test_an_offset_whose_plus_was_not_escaped_is_understood(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    await record([request_payment(PaymentId(made_at(1_790_000_000_000)))])
    await project()
    for query, count in (
        ("created_after=2020-01-01T00:00:00+02:00", 1),
        ("created_before=2020-01-01T00:00:00+02:00", 0),
        ("created_after=2020-01-01", 1),
    ):
        response = await client.get(f"/payments?{query}")
        assert response.status_code == 200
        assert len(response.json()["data"]) == count


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"status": "paid"},
        {"status": ""},
        {"currency": "dollars"},
        {"created_after": "yesterday"},
        {"created_after": "1790000000"},
        {"created_before": "2026-13-01"},
        {"amount_min": "-1"},
        {"amount_max": str(2**63)},
        {"user_id": ""},
        {"user_id": "a\x00b"},
        {"min_position": "-1"},
        {"min_position": str(2**63)},
        {"from": "2026-01-01"},
    ],
)
async def test_an_invalid_parameter_is_400_and_named(client: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    response = await client.get("/payments", params=parameters)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_request"
    assert [error["field"] for error in response.json()["errors"]] == list(parameters)


@pytest.mark.parametrize("cursor", ["nonsense", "", "bnVsbA", "WzFd", "Wy05ZTk5LCJ4Il0", "é", "WzEsIjEiXQ=="])
async def test_a_cursor_that_was_not_given_is_400(client: httpx.AsyncClient, cursor: str) -> None:
    for path in ("/payments", f"/payments/{uuid.uuid4()}/events"):
        if path.endswith("events") and cursor == "WzFd":
            continue  # [1]: a timeline's
        response = await client.get(path, params={"cursor": cursor})
        assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


async def test_the_list_says_which_position_it_reflects(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    await record(paid(request_payment()))
    position = await project()
    assert (await client.get("/payments")).headers["paystream-position"] == str(position)
