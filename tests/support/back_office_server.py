"""A back office of this process behind a real socket, for a real browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from back_office.app import create_app
from back_office.office import Office
from infra.process.health import Health
from tests.support.waiting import eventually


@asynccontextmanager
async def serving(office: Office) -> AsyncIterator[str]:
    """Serve it; yield its address. The connections to both APIs are closed in the end."""
    server = uvicorn.Server(uvicorn.Config(create_app(office, health=Health()), port=0, log_config=None, ws="none"))
    task = asyncio.create_task(server.serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started, lambda started: started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
        for api in (office.command_api, office.query_api):
            await api.close()
