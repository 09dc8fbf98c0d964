"""Whatever is wrong in a request, the problem names what the client wrote: no type, no union, no word of a library."""

import pytest

from command_api.app import openapi_documents
from tests.support.wrong_requests import OpenApi, WrongRequest, check_problems, check_too_large
from tests.unit.command_api.conftest import Standing

OPENAPI = OpenApi(document=openapi_documents()["openapi/command-api.json"])
REQUESTS, NUMBERS = dict(OPENAPI.requests()), OPENAPI.numbers()
KEYS = ("sk_writer", "sk_reader", "sk_finance", "sk_finance_reader", "sk_operator", "sk_exporter")


@pytest.mark.parametrize("requests", REQUESTS.values(), ids=REQUESTS)
async def test_what_is_wrong_is_named_as_it_was_written(api: Standing, requests: list[WrongRequest]) -> None:
    await check_problems(api.client, requests, KEYS)


async def test_wrong_values_are_met(api: Standing) -> None:
    requests = REQUESTS["POST /payments amount_cents"]
    assert await check_problems(api.client, requests, KEYS) > len(requests) / 2


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
async def test_a_number_that_postgresql_cannot_hold_is_refused(api: Standing, number: tuple[str, str, str]) -> None:
    await check_too_large(api.client, number, KEYS)
