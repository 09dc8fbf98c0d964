"""A back office of this process behind a real socket, for a real browser, and whatever else such a test serves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from back_office.app import create_app
from back_office.office import Office
from infra.process.health import Health
from tests.support.waiting import eventually


@asynccontextmanager
async def serving(office: Office, *, port: int = 0) -> AsyncIterator[str]:
    """Serve it; yield its address. The connections to both APIs are closed in the end. Port 0: any free one."""
    try:
        async with serving_app(create_app(office, health=Health()), port=port) as url:
            yield url
    finally:
        for api in (office.command_api, office.query_api):
            await api.close()


@asynccontextmanager
async def serving_app(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve any application; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    task = asyncio.create_task(server.serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started, lambda started: started)
    bound = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{bound}"
    finally:
        server.should_exit = True
        await task
