"""A vault of the application, a connection that encrypts, and one of who erases."""

from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from event_store.privacy.attached import attach
from event_store.privacy.vault import Vault
from event_store.store import Connection
from tests.support.database import Database
from tests.support.vaults import open_test_vault


@pytest_asyncio.fixture
async def vault(database: Database) -> AsyncIterator[Vault]:
    async with open_test_vault(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def encrypting(database: Database, vault: Vault) -> AsyncIterator[Connection]:
    """A connection of the application that encrypts, in autocommit."""
    async with await psycopg.AsyncConnection.connect(database.url("app"), autocommit=True) as connection:
        attach(connection, vault)
        yield connection


@pytest_asyncio.fixture
async def officer(database: Database) -> AsyncIterator[Connection]:
    """A connection of the role that erases, in autocommit."""
    async with await psycopg.AsyncConnection.connect(database.url("erasure"), autocommit=True) as connection:
        yield connection
