"""Whatever is wrong in a query, the problem names what the client wrote: no type, no union, no word of a library."""

import pytest

from query_api.app import openapi_documents
from query_api.database import create_read_pool
from tests.support.query_client import AUDIT_KEY, FINANCE_KEY, KEY, client_of
from tests.support.wrong_requests import OpenApi, WrongRequest, check_problems, check_too_large

OPENAPI = OpenApi(document=openapi_documents()["openapi/query-api.json"])
REQUESTS, NUMBERS = dict(OPENAPI.requests()), OPENAPI.numbers()
KEYS = (KEY, FINANCE_KEY, AUDIT_KEY)


async def said(requests: list[WrongRequest]) -> int:
    """Ask a query API whose database is not there: what is not refused before is a 503."""
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none", size=1, timeout_ms=250)
    async with client_of(pool, history=pool) as client:
        return await check_problems(client, requests, KEYS)


@pytest.mark.parametrize("requests", REQUESTS.values(), ids=REQUESTS)
async def test_what_is_wrong_is_named_as_it_was_written(requests: list[WrongRequest]) -> None:
    await said(requests)


async def test_wrong_values_are_met() -> None:
    requests = REQUESTS["GET /discrepancies status"]
    assert await said(requests) >= len(requests) - 1


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
async def test_a_number_that_postgresql_cannot_hold_is_refused(number: tuple[str, str, str]) -> None:
    pool = create_read_pool("postgresql://reader@127.0.0.1:1/none", size=1, timeout_ms=250)
    async with client_of(pool, history=pool) as client:
        await check_too_large(client, number, KEYS)
