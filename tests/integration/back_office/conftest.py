"""The back office on stand-ins for both APIs, behind a real socket, for a real browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
import uvicorn

from back_office.app import create_app
from back_office.office import Office
from infra.process.health import Health
from tests.support.waiting import eventually
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
    server = uvicorn.Server(uvicorn.Config(create_app(office, health=Health()), port=0, log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started, lambda started: started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(url=f"http://127.0.0.1:{port}", query_api=query_api, command_api=command_api, office=office)
    server.should_exit = True
    await serving
    await office.command_api.close()
    await office.query_api.close()
