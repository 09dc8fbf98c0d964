"""The back office on stand-ins for both APIs, behind a real socket, for a real browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from back_office.office import Office
from tests.support.back_office_server import serving
from tests.unit.back_office.conftest import settings
from tests.unit.back_office.fake_apis import FakeApi, a_command_api, a_query_api


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where it is, and the two APIs behind."""

    url: str
    query_api: FakeApi
    command_api: FakeApi
    office: Office


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    query_api, command_api = a_query_api(), a_command_api()
    office = Office.from_settings(settings(), command_api=command_api.api(), query_api=query_api.api())
    async with serving(office) as url:
        yield Served(url=url, query_api=query_api, command_api=command_api, office=office)
