"""A Valkey for a worker's session, and an empty one for each test that asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.ports import free_port
from infra.embedded.valkey import ValkeyServer


@asynccontextmanager
async def valkey_server(folder: Path) -> AsyncIterator[ValkeyServer]:
    """Run a server with a password."""
    with Home(folder) as home:
        server = ValkeyServer(home, port=free_port(), password=load_or_create(home).valkey)
        try:
            await server.start()
            await server.wait_ready()
            yield server
        finally:
            await server.stop()


async def emptied(server: ValkeyServer) -> ValkeyServer:
    """Start it again when a test has stopped it, and remove every key."""
    if not server.running:
        await server.restart()
    await server.flush()
    return server
