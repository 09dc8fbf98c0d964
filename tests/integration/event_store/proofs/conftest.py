"""A log that is sealed into a folder of its own, and an S3 server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from event_store.store import Connection
from tests.support.database import Database
from tests.support.s3_server import S3Server, s3_server
from tests.support.sealed_logs import SealedLog, sealed_log


@pytest.fixture
def sealed(database: Database, app: Connection, tmp_path: Path) -> SealedLog:
    return sealed_log(database, app, tmp_path / "log")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    async with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server
