"""Brings the stack's database to the newest revision, in as little time as that takes."""

import asyncio

from infra.embedded.databases import create_database, create_logins, is_migrated
from infra.embedded.postgres import DATABASE, PostgresServer


async def migrate(server: PostgresServer, *, database: str = DATABASE) -> bool:
    """Create the database and its logins, and apply the pending migrations. Return whether anything was to do."""
    url = await create_database(server, database)
    if await is_migrated(url):
        return False
    from infra.migrations.runner import upgrade  # noqa: PLC0415 - a second to import, and seldom needed

    await asyncio.to_thread(upgrade, url)
    await create_logins(server)
    return True
