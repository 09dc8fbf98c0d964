"""POST /reconciliations: who may ask, and for what. What comes of it needs a database: see the integration tests."""

from typing import Any

import pytest

from command_api.app import openapi_documents
from tests.unit.command_api.conftest import Standing

FINANCE = {"Authorization": "Bearer sk_finance"}


async def test_a_key_that_takes_payments_may_not_ask(api: Standing) -> None:
    answer = await api.client.post("/reconciliations", json={"date": "2026-03-10"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"date": "yesterday"}, {"date": "2026-03-10", "force": True}, {"date": 20260310}, {"date": "2010-12-31"}),
        *({"date": 1777593600}, {"date": "1777593600"}, {"date": "20260310"}, {"date": "2026-03-10T00:00:00"}),
        *({"date": "2026-3-10"}, {"date": None}, {"date": True}, {"date": ["2026-03-10"]}),
    ],
)
async def test_a_body_that_is_no_day_is_refused(api: Standing, body: dict[str, Any]) -> None:
    answer = await api.client.post("/reconciliations", json=body, headers=FINANCE)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_day_that_has_not_begun_in_its_time_zone_is_refused(api: Standing) -> None:
    answer = await api.client.post("/reconciliations", json={"date": "2026-03-12"}, headers=FINANCE)
    assert (answer.status_code, answer.json()["code"]) == (422, "day_not_begun")
    assert "Asia/Tokyo" in answer.json()["detail"]


async def test_today_is_asked_for_where_the_database_is_away(api: Standing) -> None:
    answer = await api.client.post("/reconciliations", json={"date": "2026-03-11"}, headers=FINANCE)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


def test_it_documents_its_body_security_and_errors() -> None:
    operation = openapi_documents()["openapi/command-api.json"]["paths"]["/reconciliations"]["post"]
    assert operation["security"] == [{"ApiKey": []}]
    assert set(operation["responses"]) == {"202", "400", "401", "403", "413", "415", "422", "429", "503"}
