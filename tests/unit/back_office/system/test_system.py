"""How the system is: it is shown above all when it is not well."""

import httpx

from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import away


async def test_each_api_says_how_it_is(finance: BackOffice) -> None:
    unwell = {"status": "unhealthy", "checks": {"database": "database not available", "redis": "ok"}}
    finance.command_api.answers["GET /health"] = httpx.Response(503, json=unwell)
    text = (await finance.page("/system")).text
    assert "Command API Cannot work" in text
    assert "database not available" in text
    assert "Query API Well" in text
    assert "up to position 42" in text


async def test_an_api_that_is_away_says_where_to_look(finance: BackOffice) -> None:
    finance.query_api.answers |= {"GET /health": away, "GET /payments": away}
    text = (await finance.page("/system")).text
    assert "Does not answer" in text
    assert "BACK_OFFICE_QUERY_API_URL" in text
    assert "Cannot be asked" in text
    assert "Command API Well" in text
