"""GET /disputes on a real read model: by due date, by stage, and by an index."""

import random
import uuid
from typing import Any

import httpx
import pytest

from domain.ids import MerchantId, PaymentId
from domain.money import Money
from domain.payment.values import DisputeStatus
from infra.postgres.pool import Pool
from schemas.http.disputes import DisputePage
from tests.integration.query_api.conftest import Project, Record
from tests.support.payment_histories import disputed, paid, request_payment
from tests.support.query_client import MERCHANT, OTHER_MERCHANT

pytestmark = pytest.mark.integration

AMOUNT = Money(amount_cents=1000, currency="USD")


async def contested(
    record: Record, due: int | None, status: DisputeStatus = DisputeStatus.NEEDS_RESPONSE, merchant: str = MERCHANT
) -> str:
    """Record a payment that its bank contests; return its id."""
    payment_id = PaymentId(uuid.uuid4())
    opened = disputed(f"du_{payment_id.hex}", f"ch_{payment_id.hex}", AMOUNT, status=status, evidence_due_by=due)
    return str(await record([*paid(request_payment(payment_id, merchant_id=MerchantId(merchant))), opened], merchant))


async def all_of(client: httpx.AsyncClient, **parameters: Any) -> list[str]:
    found: list[str] = []
    while True:
        response = await client.get("/disputes", params=parameters)
        assert response.status_code == 200, response.text
        page = DisputePage.model_validate_json(response.content)
        found += [str(each.payment_id) for each in page.data]
        if not page.has_more:
            return found
        parameters["cursor"] = page.next_cursor


async def test_what_is_due_first_comes_first_over_all_pages(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    dues = [1_900_000_000 + 60 * number for number in range(5)] + [None]
    ids = {due: await contested(record, due) for due in random.sample(dues, len(dues))}
    await record(paid(request_payment(PaymentId(uuid.uuid4()))))
    await contested(record, 1_900_000_001, merchant=OTHER_MERCHANT)
    await project()
    assert await all_of(client, limit=2) == [ids[due] for due in dues]


async def test_each_stage_has_its_own_and_a_new_status_is_open(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    ids = {status: await contested(record, 1_900_000_000, status) for status in DisputeStatus}
    await project()
    needs = {ids[DisputeStatus.NEEDS_RESPONSE], ids[DisputeStatus.WARNING_NEEDS_RESPONSE]}
    closed = {ids[status] for status in DisputeStatus if status in {"won", "lost", "warning_closed", "prevented"}}
    assert set(await all_of(client, stage="needs_response")) == needs
    assert set(await all_of(client, stage="closed")) == closed
    assert set(await all_of(client, stage="under_review")) == set(ids.values()) - needs - closed
    assert set(await all_of(client)) == set(ids.values())


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"stage": "open"}, "invalid_request"),
        ({"cursor": "WyJ4Il0"}, "invalid_cursor"),
        ({"due": "1"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_understood_is_refused(client: httpx.AsyncClient, given: Any, code: str) -> None:
    response = await client.get("/disputes", params=given)
    assert (response.status_code, response.json()["code"]) == (400, code)


@pytest.mark.parametrize("stage", ["NULL", "true"])
async def test_the_list_walks_an_index_in_its_order(read_pool: Pool, stage: str) -> None:
    statement = f"""
        EXPLAIN SELECT payment_id FROM read_model.payments
         WHERE merchant_id = 'm' AND dispute IS NOT NULL
           AND ({stage}::boolean IS NULL
                OR (dispute->>'status' NOT IN ('won', 'lost', 'warning_closed', 'prevented')) = {stage}::boolean)
         ORDER BY coalesce(dispute->>'evidence_due_by', '~') COLLATE "C", payment_id LIMIT 26"""
    async with read_pool.connection() as conn, conn.transaction():
        await conn.execute("SET LOCAL enable_seqscan = off")
        await conn.execute("SET LOCAL enable_bitmapscan = off")
        plan = "\n".join(line for (line,) in await (await conn.execute(statement)).fetchall())
    assert ("payments_open_disputes_due" if stage == "true" else "payments_disputes_due") in plan
    assert "Sort" not in plan
